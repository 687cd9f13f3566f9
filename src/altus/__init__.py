"""Altus: a server-virtualization platform on libvirt, QEMU/KVM and OVN."""

__version__ = "0.1.0"
