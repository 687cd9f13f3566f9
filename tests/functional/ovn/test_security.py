"""Only a port's own MAC and address may speak from it (row N4)."""

from __future__ import annotations

import pytest

from altus.model.network import NetworkKind
from tests.functional.ovn.frames import BROADCAST, Wire, arp_reply, router_advertisement, udp
from tests.functional.ovn.lab import Guest, Lab

pytestmark = pytest.mark.functional

_LIE = b"this must not be heard"
_END = b"this is the last frame"
_STRANGER = ("52:54:00:00:00:99", "10.30.0.99")


def _lies(liar: Guest, victim: Guest) -> dict[str, bytes]:
    mac, address = liar.port.mac, liar.port.address
    target = (victim.port.mac, victim.port.address, 9)
    everybody = (BROADCAST, "255.255.255.255", 68)
    return {
        "address": udp((mac, _STRANGER[1], 9), target, _LIE),
        "mac": udp((_STRANGER[0], address, 9), target, _LIE),
        "both": udp((*_STRANGER, 9), target, _LIE),
        "arp for the gateway": arp_reply(mac, (mac, "10.30.0.1"), (victim.port.mac, victim.port.address)),
        "gratuitous arp": arp_reply(mac, (mac, _STRANGER[1]), (BROADCAST, _STRANGER[1])),
        "arp with a foreign mac": arp_reply(mac, (_STRANGER[0], address), (victim.port.mac, victim.port.address)),
        "dhcp server": udp((mac, address, 67), everybody, _LIE),
        "dhcp server to one": udp((mac, address, 67), (victim.port.mac, victim.port.address, 68), _LIE),
        "dhcp server as the gateway": udp((mac, "10.30.0.1", 67), everybody, _LIE),
        "ipv6 router": router_advertisement(mac),
    }


async def test_lies_about_who_speaks_are_not_heard(lab: Lab) -> None:
    network = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    liar, victim = await lab.guest(network, 2), await lab.guest(network, 3)
    await liar.reaches(victim.port.address)
    mouth, ear = Wire(liar), Wire(victim)
    target = (victim.port.mac, victim.port.address, 9)
    try:
        for name, lie in _lies(liar, victim).items():
            mouth.send(lie)
            # frames keep their order, so what was not heard before this one was dropped
            mouth.send(udp((liar.port.mac, liar.port.address, 9), target, _END))
            heard = await ear.heard_until(_END)
            assert [frame for frame in heard if frame[:60] == lie[:60] or _LIE in frame] == [], name
    finally:
        mouth.close()
        ear.close()


async def test_the_truth_is_heard_in_every_form_the_lies_had(lab: Lab) -> None:
    network = await lab.network("10.30.0.0/24", NetworkKind.ISOLATED)
    speaker, listener = await lab.guest(network, 2), await lab.guest(network, 3)
    await speaker.reaches(listener.port.address)
    mouth, ear = Wire(speaker), Wire(listener)
    mac, address = speaker.port.mac, speaker.port.address
    target = (listener.port.mac, listener.port.address, 9)
    truths = [
        udp((mac, address, 9), target, b"to one"),
        udp((mac, address, 9), (BROADCAST, "10.30.0.255", 9), b"to all"),
        arp_reply(mac, (mac, address), (listener.port.mac, listener.port.address)),
        arp_reply(mac, (mac, address), (BROADCAST, address)),
    ]
    try:
        for truth in truths:
            mouth.send(truth)
            mouth.send(udp((mac, address, 9), target, _END))
            heard = await ear.heard_until(_END)
            assert truth.ljust(60, b"\0")[:42] in [frame[:42] for frame in heard]
    finally:
        mouth.close()
        ear.close()
