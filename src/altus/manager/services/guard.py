"""The rules that keep the three duties apart (row S1), checked inside the transaction that could break them."""

from __future__ import annotations

from altus.common.errors import Conflict, Forbidden
from altus.manager.store import accounts as rows
from altus.manager.store.accounts import ACCOUNT, ACCOUNTS
from altus.manager.store.database import Tx
from altus.model.account import Account
from altus.model.actor import Actor
from altus.model.permission import Duty, Permission

_MANAGED_BY = {Duty.SECURITY: Permission.GRANT_WRITE, Duty.AUDIT: Permission.GRANT_WRITE}
_PEERS = {Duty.SECURITY: Permission.GRANT_WRITE, Duty.AUDIT: Permission.AUDIT_VERIFY}


def duty_of_account(tx: Tx, account_id: str) -> Duty | None:
    """Its one duty, None if it has no grants."""
    duties = rows.holding(tx).duties().get(account_id, set())
    return next(iter(sorted(duties)), None)


def require_may_manage(tx: Tx, actor: Actor, account: Account) -> None:
    """Editing, disabling, deleting, unlocking and logging out: a system administrator's work (`user:write`), but for
    security and audit administrators it is a security administrator's (`grant:write`), so that who is watched cannot
    shut out who watches."""
    duty = duty_of_account(tx, account.id)
    actor.require(_MANAGED_BY.get(duty, Permission.USER_WRITE) if duty else Permission.USER_WRITE)


def require_may_reset(tx: Tx, actor: Actor, account: Account) -> None:
    """Who resets a password can log in with it, so only somebody of the same duty may: system administrators for
    accounts without duty and their own kind, security administrators among themselves, audit administrators likewise.
    Nobody resets his own. For the last of a kind there is `LocalService.recover`, for root on the machine."""
    if account.id == actor.account_id:
        raise Forbidden("Nobody resets his own password.", code="user.self",
                        hint="Change it, naming the old one: `altus user passwd`.")  # fmt: skip
    duty = duty_of_account(tx, account.id)
    actor.require(_PEERS.get(duty, Permission.USER_WRITE) if duty else Permission.USER_WRITE)


def require_other(actor: Actor, account_id: str) -> None:
    """Nobody grants to himself."""
    if account_id == actor.account_id:
        raise Forbidden("Nobody gives rights to himself.", code="grant.self",
                        hint="Ask another security administrator.")  # fmt: skip


def check_duties(tx: Tx) -> None:
    """What must hold after every change: no account has two duties, and each duty has an enabled administrator.
    `Conflict` (`duty.separation`, `duty.last_administrator`) rolls the change back."""
    holding = rows.holding(tx)
    for account_id, duties in holding.duties().items():
        if len(duties) > 1:
            account = ACCOUNT.peek(tx, account_id)
            name = account.name if account is not None else account_id
            raise Conflict(f"Account {name} would have more than one duty: {', '.join(sorted(duties))}.",
                           code="duty.separation", hint="Use one account for each duty.")  # fmt: skip
    enabled = {account.id for account in ACCOUNT.all(tx, ACCOUNTS.table.c.enabled)}
    for duty in Duty:
        if not holding.administrators(duty, enabled):
            raise Conflict(f"No enabled {duty} administrator would remain.", code="duty.last_administrator",
                           hint="Give the role to another account first.")  # fmt: skip
