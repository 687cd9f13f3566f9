"""docs/reference/permissions.md: permissions, whose duty they are, which roles hold them and what needs them."""

from collections import defaultdict

from altus.manager.tasks.load import TASK_TYPES
from altus.model.account import ADMINISTRATOR_ROLES, BUILTIN_ACCOUNTS
from altus.model.permission import BUILTIN_ROLES, Duty, Permission, duty_of
from devkit.reference import api
from devkit.reference import markdown as md

_TEXT = """\
A permission belongs to one duty. A role holds permissions of one duty only, and no account may come to have roles of
two duties (`duty.separation`). Permissions without a duty are everybody's: one's own password, sessions and tokens, and
seeing who exists. A grant gives a role to an account or a group, within everything, a pool, a project or one object."""


def page() -> str:
    """The page."""
    accounts = [(md.code(BUILTIN_ACCOUNTS[duty]), duty.value, md.code(ADMINISTRATOR_ROLES[duty])) for duty in Duty]
    roles = [(md.code(role.name), role.duty.value, str(len(role.permissions))) for role in BUILTIN_ROLES.values()]
    return md.page(
        "Permissions and roles",
        _TEXT,
        md.section("Built-in accounts", md.table(("Account", "Duty", "Role"), accounts)),
        md.section("Built-in roles", md.table(("Role", "Duty", "Permissions"), roles)),
        md.section("Permissions", md.table(("Permission", "Duty", "Roles", "Routes", "Tasks"), _permissions())),
    )


def _permissions() -> list[tuple[str, ...]]:
    routes, tasks = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for route in api.routes():
        routes[route.permission].append(route.name)
    for kind in TASK_TYPES.values():
        tasks[kind.permission].append(kind.kind)
    return [
        (
            md.code(permission),
            (duty_of(permission) or "everybody's"),
            ", ".join(role.name for role in BUILTIN_ROLES.values() if permission in role.permissions),
            ", ".join(map(md.code, routes[permission])),
            ", ".join(map(md.code, tasks[permission])),
        )
        for permission in Permission
    ]
