"""Security groups."""

from __future__ import annotations

from altus.sdk.changes import Change
from altus.sdk.resources import Resources
from altus.wire.security_groups import SecurityGroupCreate, SecurityGroupEdit, SecurityGroupView


class SecurityGroups(Resources[SecurityGroupView]):
    """`/security-groups`."""

    path = "/security-groups"
    view = SecurityGroupView

    def create(self, body: SecurityGroupCreate) -> Change:
        """A group of NICs that are held to rules."""
        return self._change("POST", self.path, body)

    def edit(self, group: str, body: SecurityGroupEdit) -> Change:
        """Change what `body` has set; effective at once."""
        return self._change("PATCH", self._one(group), body)

    def delete(self, group: str) -> Change:
        """Remove one that nobody uses."""
        return self._change("DELETE", self._one(group))
