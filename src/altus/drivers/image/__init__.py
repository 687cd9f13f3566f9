"""Builders of the guest images that Altus makes itself from Debian packages."""
