"""What the manager tells of itself."""

from __future__ import annotations

from altus.common.errors import Unavailable
from altus.sdk.resources import Noun
from altus.sdk.shapes import read
from altus.wire.system import HealthView
from altus.wire.tasks import DoctorView

_EXAMINATION = 600.0


class System(Noun):
    """`/health`, `/ca`, `/metrics` and `/doctor`."""

    async def health(self) -> HealthView:
        """Whether it serves; `Unavailable` if not."""
        return read(HealthView, (await self._transport.call("GET", "/health", patience=0)).body)

    async def ca(self) -> str:
        """The pool's CA certificate (PEM)."""
        return (await self._transport.call("GET", "/ca")).body.decode("ascii", "replace")

    async def metrics(self) -> str:
        """In Prometheus' text format."""
        return (await self._transport.call("GET", "/metrics")).body.decode()

    async def doctor(self) -> DoctorView:
        """Have it compare its database with what every host really has."""
        try:
            async with self._transport.open("GET", "/doctor", silence=_EXAMINATION) as response:
                return read(DoctorView, await response.read())
        except TimeoutError as error:
            raise Unavailable("The examination does not end.", code="client.connection_lost",
                              hint="See `altus host list` for hosts that do not answer.") from error  # fmt: skip
