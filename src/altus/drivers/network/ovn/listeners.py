"""Ports on which this host itself listens: led elsewhere, they would lock people out."""

from __future__ import annotations

from pathlib import Path

from altus.common.errors import Conflict
from altus.model.translation import PortProtocol

_PROC = Path("/proc/net")
_LISTENS = {PortProtocol.TCP: "0A", PortProtocol.UDP: "07"}
"""The kernel's states (net/tcp_states.h) of sockets that wait for anybody."""
_LOOPBACK = ("0100007F", "7F")
_HEX = 16


def require_unheard(protocol: PortProtocol, port: int, proc: Path = _PROC) -> None:
    """`Conflict` (`translation.own_port`) if somebody on this host listens there for others."""
    for name in (protocol.value, f"{protocol}6"):
        file = proc / name
        for line in file.read_text().splitlines()[1:] if file.exists() else ():
            _, local, _, state = line.split()[:4]
            address, _, number = local.partition(":")
            heard = state == _LISTENS[protocol] and int(number, _HEX) == port
            if heard and not (len(address) == len(_LOOPBACK[0]) and address.endswith(_LOOPBACK[1])):
                raise Conflict(f"This host itself listens on {protocol} port {port}.", code="translation.own_port",
                               hint="Choose another port, or a floating address.")  # fmt: skip
