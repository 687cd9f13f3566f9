"""Disk image formats, told by content and read without trusting a byte of them. Shared by every storage driver."""
