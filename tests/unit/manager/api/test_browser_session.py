"""A session kept by a browser: a cookie that scripts cannot read and other sites cannot use."""

from __future__ import annotations

from typing import Any

import pytest

from altus.manager.api.credentials import COOKIE
from altus.model.permission import Duty
from tests.unit.manager.api.rig import Answer, Rig, name

pytestmark = pytest.mark.asyncio(loop_scope="session")
_OWN = {"Sec-Fetch-Site": "same-origin"}


async def _user(rig: Rig) -> dict[str, Any]:
    made: dict[str, Any] = await rig.good("POST", "/users", {"name": name("user")})
    return made


async def _login(rig: Rig, user: dict[str, Any]) -> tuple[Answer, dict[str, str]]:
    body = {"name": user["name"], "password": user["password"], "cookie": True}
    answer = await rig.call("POST", "/sessions", body, token="")
    pair = answer.headers["set-cookie"].partition(";")[0]
    return answer, {"Cookie": pair}


async def test_the_token_comes_in_a_cookie_only(rig: Rig) -> None:
    answer, _ = await _login(rig, await _user(rig))
    kept = answer.headers["set-cookie"]
    assert answer.json["token"] == ""
    assert kept.startswith(f"{COOKIE}=alts_")
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in kept.split(";")}


async def test_the_cookie_says_who_asks_until_the_logout(rig: Rig) -> None:
    user = await _user(rig)
    _, cookie = await _login(rig, user)
    me = await rig.good("GET", "/sessions/current", token="", headers=cookie)
    assert me["name"] == user["name"]
    assert me["must_change_password"]
    gone = await rig.call("DELETE", "/sessions/current", token="", headers=cookie | _OWN)
    assert gone.status == 204
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert (await rig.call("GET", "/sessions/current", token="", headers=cookie)).code == "auth.invalid"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
async def test_a_change_sent_by_another_site_is_refused(rig: Rig, site: str) -> None:
    _, cookie = await _login(rig, await _user(rig))
    headers = cookie | ({"Sec-Fetch-Site": site} if site else {})
    assert (await rig.call("DELETE", "/sessions/current", token="", headers=headers)).code == "auth.cross_site"
    assert (await rig.call("GET", "/sessions/current", token="", headers=headers)).status == 200


async def test_a_bearer_token_counts_before_the_cookie(rig: Rig) -> None:
    _, cookie = await _login(rig, await _user(rig))
    assert (await rig.good("GET", "/sessions/current", headers=cookie))["name"] == "sysadmin"
    assert (await rig.call("GET", "/sessions/current", token="wrong", headers=cookie)).code == "auth.invalid"


@pytest.mark.parametrize(
    ("duty", "may", "may_not"),
    [
        (Duty.SYSTEM, "create_vm", "list_audit"),
        (Duty.SECURITY, "create_grant", "create_vm"),
        (Duty.AUDIT, "list_audit", "create_grant"),
    ],
)
async def test_operations_are_those_that_the_asker_may_use(rig: Rig, duty: Duty, may: str, may_not: str) -> None:
    me = await rig.good("GET", "/sessions/current", duty=duty)
    assert me["duty"] == duty
    assert may in me["operations"]
    assert may_not not in me["operations"]
    assert "login" not in me["operations"]  # everybody's: it declares no permission


async def test_who_must_change_the_password_may_do_only_that(rig: Rig) -> None:
    user = await _user(rig)
    _, cookie = await _login(rig, user)
    before = await rig.good("GET", "/sessions/current", token="", headers=cookie)
    assert "change_password" in before["operations"]
    assert "list_users" not in before["operations"]
    body = {"old": user["password"], "new": "a much longer Password 7!"}
    assert (await rig.call("POST", "/password", body, token="", headers=cookie | _OWN)).status == 204
    assert not (await rig.good("GET", "/sessions/current", token="", headers=cookie))["must_change_password"]
