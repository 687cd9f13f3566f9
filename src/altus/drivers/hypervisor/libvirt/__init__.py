"""QEMU/KVM through libvirt: the only room that imports libvirt."""
