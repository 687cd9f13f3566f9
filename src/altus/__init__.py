"""Altus: a server-virtualization platform on libvirt, QEMU/KVM and OVN."""
