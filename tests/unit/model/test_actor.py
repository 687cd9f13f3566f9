"""What an actor may, asked one by one and all at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from altus.model.actor import Actor, Right
from altus.model.permission import Permission, Scope, ScopeKind

_SCOPES = st.builds(Scope, st.sampled_from(ScopeKind), st.sampled_from(["a", "b", "vm"]))
_RIGHTS = st.builds(Right, st.frozensets(st.sampled_from(Permission), max_size=6), _SCOPES)
_ACTORS = st.builds(Actor, account_id=st.just("x"), name=st.just("x"), rights=st.lists(_RIGHTS, max_size=4).map(tuple),
                    limit=st.none() | _RIGHTS, must_change_password=st.booleans())  # fmt: skip


@settings(derandomize=True, max_examples=300)
@given(actor=_ACTORS, project=st.sampled_from(["a", "b", ""]), thing=st.sampled_from(["vm", "other"]))
def test_all_permissions_at_once_are_those_one_by_one(actor: Actor, project: str, thing: str) -> None:
    assert actor.permissions(project, thing) == {p for p in Permission if actor.may(p, project, thing)}
