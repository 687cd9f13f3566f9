"""How security groups look."""

from __future__ import annotations

from typing import Any

from altus.cli.layout import AnyLayout, Layout, Ref
from altus.cli.text import ago
from altus.model.security_group import SecurityRule


def rule_line(rule: Any) -> str:
    """A rule's id, its priority and what it says; `rule` may be a view's."""
    told = SecurityRule(id=rule.id, direction=rule.direction, action=rule.action, protocol=rule.protocol,
                        first_port=rule.first_port, last_port=rule.last_port, icmp_type=rule.icmp_type, cidr=rule.cidr,
                        remote_group_id=rule.remote_group_id)  # fmt: skip
    extra = f"{' (logged)' if rule.log else ''}{f'  {rule.description}' if rule.description else ''}"
    return f"{rule.id}  {rule.priority:>3}  {told}{extra}"


def _rules(group: Any) -> str:
    """The deciding ones first."""
    return "\n".join(rule_line(rule) for rule in sorted(group.rules, key=lambda rule: (-rule.priority, rule.id)))


SECURITY_GROUP: AnyLayout = Layout(
    columns=(
        ("NAME", lambda group: group.name),
        ("STATE", lambda group: group.state.value),
        ("RULES", lambda group: len(group.rules)),
        ("CREATED", lambda group: ago(group.created_at)),
    ),
    details=(
        ("ID", lambda group: group.id),
        ("PROJECT", lambda group: Ref("project", group.project_id)),
        ("LABEL", lambda group: group.label.value),
        ("DESCRIPTION", lambda group: group.description),
        ("RULES IN FULL", _rules),
    ),
)
