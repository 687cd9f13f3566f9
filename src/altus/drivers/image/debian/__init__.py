"""Debian 12: a server image for everyday use, set up by cloud-init."""
