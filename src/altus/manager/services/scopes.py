"""Scopes of grants and tokens must name something that exists."""

from __future__ import annotations

from typing import Any

from altus.common.errors import Conflict, InvalidInput, NotFound
from altus.manager.store.conditions import is_storable
from altus.manager.store.database import Tx
from altus.manager.store.resources import (
    FLOATING_IP,
    FORWARD,
    HOST,
    IMAGE,
    NETWORK,
    POOL,
    PROJECT,
    ROUTER,
    SECURITY_GROUP,
    SNAPSHOT_SCHEDULE,
    STORAGE,
    VM,
    VOLUME,
    Resources,
)
from altus.model.permission import Scope, ScopeKind

_OBJECTS: tuple[Resources[Any], ...] = (
    VM,
    VOLUME,
    SNAPSHOT_SCHEDULE,
    IMAGE,
    NETWORK,
    SECURITY_GROUP,
    FLOATING_IP,
    FORWARD,
    ROUTER,
    STORAGE,
    HOST,
)


def check_scope(tx: Tx, scope: Scope) -> None:
    """`InvalidInput` (`scope.invalid`) or `NotFound` (`scope.not_found`) unless it is sound."""
    if scope.kind is ScopeKind.EVERYTHING:
        if scope.id:
            raise InvalidInput("The scope everything has no id.", code="scope.invalid", hint="Leave the id out.")
        return
    if not is_storable(scope.id):
        found = False
    elif scope.kind is ScopeKind.POOL:
        found = _is_only_pool(tx, scope.id)
    elif scope.kind is ScopeKind.PROJECT:
        found = PROJECT.peek(tx, scope.id) is not None
    else:
        found = any(resources.peek(tx, scope.id) is not None for resources in _OBJECTS)
    if not found:
        raise NotFound(f"There is no {scope.kind} {scope.id[:80]!r}.", code="scope.not_found",
                       hint="A scope is named by the id of what it covers.")  # fmt: skip


def _is_only_pool(tx: Tx, reference: str) -> bool:
    """By id or name. `Conflict` (`scope.pools`) if there are others: what is in a pool is told apart for hosts only."""
    pools = POOL.all(tx)
    found = any(reference in (pool.id, pool.name) for pool in pools)
    if found and len(pools) > 1:
        raise Conflict("Rights cannot be limited to one of several pools yet.", code="scope.pools",
                       hint="Limit them to projects.")  # fmt: skip
    return found
