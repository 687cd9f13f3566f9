"""Projects."""

from __future__ import annotations

from altus.sdk.resources import Resources
from altus.sdk.shapes import make, read
from altus.wire.resources import ProjectCreate, ProjectView


class Projects(Resources[ProjectView]):
    """`/projects`."""

    path = "/projects"
    view = ProjectView

    async def create(self, name: str) -> ProjectView:
        """A new project."""
        answer = await self._transport.call("POST", self.path, body=make(ProjectCreate, name=name))
        return read(ProjectView, answer.body)
