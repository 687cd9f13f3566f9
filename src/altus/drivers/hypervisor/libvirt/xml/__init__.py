"""Libvirt's domain XML, declared: one file per element (https://libvirt.org/formatdomain.html)."""
