"""A device that has just gone is not there any more, however libvirt says so."""

from __future__ import annotations

from typing import cast

import libvirt
import pytest

from altus.drivers.hypervisor.libvirt.devices import ask_for

_WITH = "<domain><devices><interface><alias name='net0'/></interface></devices></domain>"
_WITHOUT = "<domain><devices/></domain>"


class Domain:
    """A running domain that refuses to let go of a device, and then is as `xml` says."""

    def __init__(self, xml: str, message: str) -> None:
        self._xml = xml
        self._message = message

    def isActive(self) -> bool:  # noqa: N802 - libvirt's name
        return True

    def XMLDesc(self) -> str:  # noqa: N802 - libvirt's name
        return self._xml

    def detachDeviceAlias(self, _alias: str, _flags: int) -> None:  # noqa: N802 - libvirt's name
        raise libvirt.libvirtError(self._message)


@pytest.mark.parametrize(("xml", "message"), [
    (_WITHOUT, "no device found with alias net0"), (_WITH, "Device net0 is already in the process of unplug"),
])  # fmt: skip
def test_one_that_has_gone_or_is_about_to_go_need_not_be_asked_for(xml: str, message: str) -> None:
    ask_for(cast("libvirt.virDomain", Domain(xml, message)), aliases=["net0"])


def test_one_that_does_not_go_is_a_failure() -> None:
    with pytest.raises(libvirt.libvirtError, match="will not"):
        ask_for(cast("libvirt.virDomain", Domain(_WITH, "it will not")), aliases=["net0"])
