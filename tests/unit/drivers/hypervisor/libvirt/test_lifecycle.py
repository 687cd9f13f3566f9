"""How a guest is asked to power off."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import libvirt
import libvirt_qemu
import pytest

from altus.drivers.hypervisor.libvirt import lifecycle
from altus.drivers.hypervisor.libvirt.xml.channel import AGENT_CHANNEL


@dataclass
class _Domain:
    """A running one. `listens`: whether its guest has an agent; `obeys`: the agent goes away when it is told. `becomes`
    is its state when the button is to be pressed."""

    listens: bool
    obeys: bool = False
    becomes: int = libvirt.VIR_DOMAIN_RUNNING
    heard: list[str] = field(default_factory=list)
    _state: int = libvirt.VIR_DOMAIN_RUNNING

    def state(self) -> tuple[int, int]:
        return self._state, 0

    def XMLDesc(self) -> str:  # noqa: N802 - libvirt's name
        state = "connected" if self.listens else "disconnected"
        target = f'<target type="virtio" name="{AGENT_CHANNEL}" state="{state}"/>'
        return f'<domain><devices><channel type="unix">{target}</channel></devices></domain>'

    def agentSetResponseTimeout(self, seconds: int) -> None:  # noqa: N802 - libvirt's name
        assert seconds > 0

    def shutdownFlags(self, flags: int) -> None:  # noqa: N802 - libvirt's name
        assert flags == libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
        self._state = self.becomes
        if self._state != libvirt.VIR_DOMAIN_RUNNING:
            raise libvirt.libvirtError("Requested operation is not valid: domain is not running")
        self.heard.append("button")


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never answers this command, whether it obeys or not."""

    def command(domain: _Domain, text: str, _timeout: int, _flags: int) -> None:
        domain.heard.append(json.loads(text)["execute"])
        domain.listens = not domain.obeys
        raise libvirt.libvirtError("Guest agent is not responding")

    monkeypatch.setattr(libvirt_qemu, "qemuAgentCommand", command)


@pytest.mark.parametrize(("domain", "heard"), [
    (_Domain(listens=True, obeys=True), ["guest-shutdown"]),
    (_Domain(listens=True), ["guest-shutdown", "button"]),
    (_Domain(listens=False), ["button"]),
], ids=["obeys", "silent", "none"])  # fmt: skip
def test_the_power_button_is_for_guests_whose_agent_does_not_obey(domain: _Domain, heard: list[str]) -> None:
    lifecycle.shutdown(domain)
    assert domain.heard == heard


@pytest.mark.parametrize("state", [libvirt.VIR_DOMAIN_SHUTDOWN, libvirt.VIR_DOMAIN_SHUTOFF])
def test_a_guest_that_powers_off_before_the_button_is_pressed_has_obeyed(state: int) -> None:
    domain = _Domain(listens=True, becomes=state)
    lifecycle.shutdown(domain)
    assert domain.heard == ["guest-shutdown"]


def test_a_guest_that_stands_still_does_not_hear_the_button() -> None:
    with pytest.raises(libvirt.libvirtError, match="not running"):
        lifecycle.shutdown(_Domain(listens=False, becomes=libvirt.VIR_DOMAIN_PAUSED))
