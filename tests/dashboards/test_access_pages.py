"""A second proof at sign-in, tokens for machines, accounts kept by the administrator, and what is written of it."""

import re
from datetime import timedelta
from typing import Annotated

import httpx2
import pyotp
import pytest
from fastapi import Depends, FastAPI

from dashboards.api_access import api_actor
from dashboards.second_factor import step_of
from inventory.access import Actor, Right, Role
from inventory.audit import AuditAct
from inventory.database import reading
from inventory.schema import api_tokens, recovery_codes
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD
from tests.support.sealing import a_key

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
async def administrator(room):
    await room.deps.auth.add("chu", Role.ADMINISTRATOR, PASSWORD)
    made = Visitor(room)
    await made.sign_in("chu")
    yield made
    await made.client.aclose()


def code_now(room, secret: str) -> str:
    return pyotp.TOTP(secret).at(room.now)


async def with_second_factor(room, officer) -> tuple[str, list[str]]:
    page = await officer.send("/account/begin-factor", {}, seen_on="/account")
    secret = re.search(r'secret"><code>([A-Z2-7 ]+)<', page.text)[1].replace(" ", "")
    done = await officer.send("/account/confirm-factor", {"code": code_now(room, secret)}, seen_on="/account")
    return secret, re.findall(r"<li><code>([a-z0-9-]+)</code>", done.text)


async def acts(room, actor: str = "") -> list[AuditAct]:
    return [line.act for line in reversed(await room.deps.auth.audited(limit=100, actor=actor))]


def test_codes_are_those_of_rfc_6238_and_one_step_either_side_is_forgiven(room):
    # RFC 6238, appendix B: the secret "12345678901234567890", 59 s after the epoch, reads 94287082 in eight digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    at = room.now.fromtimestamp(59, tz=room.now.tzinfo)
    assert step_of(secret, "287 082", at) == 1
    assert step_of(secret, "287082", at + timedelta(seconds=30)) == 1
    assert step_of(secret, "287082", at + timedelta(seconds=61)) is None
    for other in ("", "28708", "2870822", "abcdef", "287083"):
        assert step_of(secret, other, at) is None


async def test_with_a_second_factor_the_password_alone_opens_nothing(room, officer):
    secret, _ = await with_second_factor(room, officer)
    again = Visitor(room)
    asked = await again.sign_in("trucban")
    assert str(asked.url).startswith(f"{ORIGIN}/sign-in/code")
    assert "/sign-in" in str((await again.see("/duty")).url)
    wrong = await again.send("/sign-in/code", {"code": "000000"}, seen_on="/sign-in/code")
    assert wrong.status_code == 401
    room.now += timedelta(seconds=30)
    landed = await again.send(
        "/sign-in/code", {"code": code_now(room, secret), "next": "/duty"}, seen_on="/sign-in/code"
    )
    assert str(landed.url) == f"{ORIGIN}/duty"
    assert await acts(room, "trucban") == [
        AuditAct.SIGNED_IN,
        AuditAct.FACTOR_SET,
        AuditAct.CODE_OWED,
        AuditAct.CODE_REFUSED,
        AuditAct.SIGNED_IN,
    ]
    await again.client.aclose()


async def test_a_code_serves_once(room, officer):
    secret, _ = await with_second_factor(room, officer)
    factors = room.deps.factors
    assert not await factors.fits("trucban", code_now(room, secret))
    room.now += timedelta(seconds=30)
    code = code_now(room, secret)
    assert await factors.fits("trucban", code)
    assert not await factors.fits("trucban", code)


async def test_a_recovery_code_serves_once_and_is_kept_as_its_hash(room, officer):
    _, codes = await with_second_factor(room, officer)
    assert len(set(codes)) == 8
    async with reading(room.database) as connection:
        kept = (await connection.execute(recovery_codes.select())).mappings().all()
    assert not set(codes) & {row["code_hash"] for row in kept}
    assert await room.deps.factors.fits("trucban", codes[0].upper())
    assert not await room.deps.factors.fits("trucban", codes[0])
    assert await room.deps.factors.left("trucban") == 7


async def test_guessing_codes_is_slowed(room, officer):
    await with_second_factor(room, officer)
    again = Visitor(room)
    await again.sign_in("trucban")
    for _ in range(5):
        answer = await again.send("/sign-in/code", {"code": "123456"}, seen_on="/sign-in/code")
        assert answer.status_code == 401
    assert (await again.send("/sign-in/code", {"code": "1"}, seen_on="/sign-in/code")).status_code == 429
    await again.client.aclose()


async def test_guessing_codes_from_many_addresses_at_once_is_slowed(room, officer):
    await with_second_factor(room, officer)
    waits = [await room.deps.auth.attempt_code("trucban", f"192.0.2.{number}") for number in range(25)]
    assert not any(waits[:20])
    assert all(waits[20:])
    # Codes that somebody tries do not keep its holder from the password.
    assert not await room.deps.auth.attempt("trucban", "198.51.100.7")


async def test_a_session_left_open_does_not_let_codes_be_guessed_to_remove_the_second_factor(room, officer):
    secret, _ = await with_second_factor(room, officer)
    for _ in range(5):
        wrong = await officer.send("/account/drop-factor", {"code": "000000"}, seen_on="/account")
        assert wrong.status_code == 422
    room.now += timedelta(seconds=1)
    slowed = await officer.send("/account/drop-factor", {"code": code_now(room, secret)}, seen_on="/account")
    assert (slowed.status_code, "Thử quá nhiều lần" in slowed.text) == (429, True)
    assert await room.deps.factors.is_asked("trucban")


async def test_a_session_left_open_does_not_let_the_password_be_guessed(room, officer):
    guess = {"old": "sai sai sai", "new": "mật khẩu mới dài", "again": "mật khẩu mới dài"}
    answers = [(await officer.send("/password", guess, seen_on="/password")).status_code for _ in range(6)]
    assert (answers[0], answers[-1]) == (401, 429)


async def test_a_seal_key_that_is_gone_is_said_where_the_code_is_asked_and_a_recovery_code_lets_in(
    room, officer
):
    secret, codes = await with_second_factor(room, officer)
    room.seal_keys.keys = [a_key(2)]
    # A process that began anew: one that runs holds the keys that it read.
    room.sealing._held = None
    room.now += timedelta(seconds=30)
    again = Visitor(room)
    await again.sign_in("trucban")
    shut = await again.send("/sign-in/code", {"code": code_now(room, secret)}, seen_on="/sign-in/code")
    assert (shut.status_code, "khóa niêm phong" in shut.text) == (401, True)
    await again.client.aclose()
    other = Visitor(room)
    await other.sign_in("trucban")
    landed = await other.send("/sign-in/code", {"code": codes[0]}, seen_on="/sign-in/code")
    assert str(landed.url) == f"{ORIGIN}/"
    await room.deps.auth.add("moi", Role.DUTY_OFFICER, PASSWORD)
    newcomer = Visitor(room)
    await newcomer.sign_in("moi")
    refused = await newcomer.send("/account/begin-factor", {}, seen_on="/account")
    assert (refused.status_code, "khóa niêm phong" in refused.text) == (503, True)
    await other.client.aclose()
    await newcomer.client.aclose()


async def test_a_half_open_session_ends_after_ten_minutes(room, officer):
    secret, _ = await with_second_factor(room, officer)
    again = Visitor(room)
    await again.sign_in("trucban")
    room.now += timedelta(minutes=11)
    late = await again.send("/sign-in/code", {"code": code_now(room, secret)}, seen_on="/sign-in/code")
    assert str(late.url).startswith(f"{ORIGIN}/sign-in")
    assert "/sign-in" in str((await again.see("/")).url)
    await again.client.aclose()


async def test_a_second_factor_half_set_up_does_not_lock_anybody_out(room, officer):
    await officer.send("/account/begin-factor", {}, seen_on="/account")
    wrong = await officer.send("/account/confirm-factor", {"code": "000000"}, seen_on="/account")
    assert wrong.status_code == 422
    again = Visitor(room)
    assert str((await again.sign_in("trucban")).url) == f"{ORIGIN}/"
    await again.client.aclose()


async def test_removing_the_second_factor_asks_for_it(room, officer):
    secret, _ = await with_second_factor(room, officer)
    refused = await officer.send("/account/drop-factor", {"code": "000000"}, seen_on="/account")
    assert refused.status_code == 422
    assert await room.deps.factors.is_asked("trucban")
    room.now += timedelta(seconds=30)
    await officer.send("/account/drop-factor", {"code": code_now(room, secret)}, seen_on="/account")
    assert not await room.deps.factors.is_asked("trucban")


async def test_one_ends_a_session_of_ones_own_and_no_one_elses(room, officer):
    await room.deps.auth.add("khac", Role.DUTY_OFFICER, PASSWORD)
    elsewhere, other = Visitor(room), Visitor(room)
    await elsewhere.sign_in("trucban")
    await other.sign_in("khac")
    [theirs] = await room.deps.auth.sessions("khac")
    await officer.send("/account/end-session", {"handle": theirs.handle}, seen_on="/account")
    assert "/sign-in" not in str((await other.see("/")).url)
    here = room.deps.auth.handle_of(officer.client.cookies["thongsuot"])
    [mine] = [each for each in await room.deps.auth.sessions("trucban") if each.handle != here]
    await officer.send("/account/end-session", {"handle": mine.handle}, seen_on="/account")
    assert "/sign-in" in str((await elsewhere.see("/")).url)
    assert "/sign-in" not in str((await officer.see("/")).url)
    await elsewhere.client.aclose()
    await other.client.aclose()


async def a_token(officer, *rights: Right, days: str = "30") -> str:
    form = {"label": "Grafana", "days": days, **{f"right-{right}": "1" for right in rights}}
    page = await officer.send("/account/give-token", form, seen_on="/account")
    found = re.search(r"tsk_[A-Za-z0-9_-]+", page.text)
    return found[0] if found else page


def api_of(room) -> FastAPI:
    app, guard = FastAPI(), api_actor(room.deps)

    @app.post("/who")
    async def who(actor: Annotated[Actor, Depends(guard)]) -> dict[str, str]:
        return {"name": actor.name, "rights": " ".join(right for right in Right if actor.may(right))}

    return app


async def asked(room, secret: str):
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api_of(room)), base_url=ORIGIN) as client:
        return await client.post("/who", headers={"authorization": f"Bearer {secret}"})


async def test_a_token_is_shown_once_kept_as_its_hash_and_gives_what_was_chosen(room, officer):
    secret = await a_token(officer, Right.SEE_BOARD)
    assert secret not in (await officer.see("/account")).text
    async with reading(room.database) as connection:
        [kept] = (await connection.execute(api_tokens.select())).mappings().all()
    assert secret not in str(dict(kept))
    answer = await asked(room, secret)
    assert answer.json() == {"name": "trucban", "rights": "see_board"}


async def test_a_token_ends_by_time_by_hand_and_with_its_account(room, officer):
    first, second, third = [await a_token(officer, Right.SEE_BOARD, days=days) for days in ("7", "30", "90")]
    room.now += timedelta(days=8)
    await officer.sign_in("trucban")
    assert (await asked(room, first)).status_code == 401
    [_, newer, _] = await room.deps.tokens.of("trucban")
    await officer.send("/account/revoke-token", {"token": str(newer.id)}, seen_on="/account")
    assert (await asked(room, second)).status_code == 401
    assert (await asked(room, third)).status_code == 200
    await room.deps.auth.disable("trucban")
    assert (await asked(room, third)).status_code == 401


@pytest.mark.parametrize("secret", ["", "tsk_", "tsk_unknown", "unknown"])
async def test_a_token_that_nobody_was_given_opens_nothing(room, secret):
    assert (await asked(room, secret)).status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        {"label": "", "days": "7", "right-see_board": "1"},
        {"label": "x", "days": "", "right-see_board": "1"},
        {"label": "x", "days": "7"},
        {"label": "x", "days": "7", "right-administer": "1"},
    ],
    ids=["for nothing", "without an end", "that may nothing", "that may more than its account"],
)
async def test_a_token_is_refused_with_a_sentence(room, officer, form):
    answer = await officer.send("/account/give-token", form, seen_on="/account")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert await room.deps.tokens.of("trucban") == ()


async def test_nobody_revokes_anothers_token(room, officer):
    secret = await a_token(officer, Right.SEE_BOARD)
    await room.deps.auth.add("khac", Role.DUTY_OFFICER, PASSWORD)
    other = Visitor(room)
    await other.sign_in("khac")
    [token] = await room.deps.tokens.of("trucban")
    await other.send("/account/revoke-token", {"token": str(token.id)}, seen_on="/account")
    assert (await asked(room, secret)).status_code == 200
    await other.client.aclose()


async def test_the_administrator_opens_an_account_whose_password_serves_once(room, administrator):
    form = {"name": "Trực VNPT", "role": "carrier", "party": "VNPT", "person": "VNPT-OPS-1"}
    page = await administrator.send("/accounts", form, seen_on="/accounts")
    password = re.search(r"<code>([a-z0-9-]{19})</code>", page.text)[1]
    theirs = Visitor(room)
    assert "/password" in str((await theirs.sign_in("trực vnpt", password)).url)
    lines = await room.deps.auth.audited(limit=10, actor="chu")
    assert (lines[0].act, lines[0].subject, lines[0].details) == (
        AuditAct.ACCOUNT_OPENED,
        "trực vnpt",
        "carrier VNPT",
    )
    await theirs.client.aclose()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name": ""}, 422),
        ({"role": "king"}, 422),
        ({"party": ""}, 422),
        ({"party": "NOBODY"}, 422),
        ({"person": "NOBODY"}, 422),
        ({"name": "chu"}, 409),
    ],
)
async def test_an_account_that_makes_no_sense_is_refused_with_a_sentence(
    room, administrator, changes, status
):
    form = {"name": "vnpt", "role": "carrier", "party": "VNPT", "person": "", **changes}
    answer = await administrator.send("/accounts", form, seen_on="/accounts")
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert [each.name for each in await room.deps.auth.accounts()] == ["chu"]


async def test_the_administrator_gives_passwords_ends_sessions_and_closes(room, administrator, officer):
    page = await administrator.send("/accounts/trucban/password", {}, seen_on="/accounts/trucban")
    password = re.search(r"<code>([a-z0-9-]{19})</code>", page.text)[1]
    assert "/sign-in" in str((await officer.see("/")).url)
    assert "/password" in str((await officer.sign_in("trucban", password)).url)
    await administrator.send("/accounts/trucban/close", {}, seen_on="/accounts/trucban")
    assert (await officer.sign_in("trucban", password)).status_code == 401
    shown = await administrator.see("/accounts/trucban")
    assert "Tài khoản này đã đóng từ" in shown.text
    own = await administrator.send("/accounts/chu/close", {}, seen_on="/accounts/chu")
    assert own.status_code == 422


async def test_a_machine_gets_a_token_from_the_administrator_and_no_password(room, administrator):
    form = {"name": "vnpt-noc", "role": "machine", "party": "VNPT"}
    page = await administrator.send("/accounts", form, seen_on="/accounts")
    assert "/accounts/vnpt-noc" in page.text
    given = {"label": "NOC", "days": "", "right-see_incidents": "1", "right-see_board": "1"}
    page = await administrator.send("/accounts/vnpt-noc/give-token", given, seen_on="/accounts/vnpt-noc")
    secret = re.search(r"tsk_[A-Za-z0-9_-]+", page.text)[0]
    # A machine of a party sees what the party sees: the board is not among it.
    assert (await asked(room, secret)).json() == {"name": "vnpt-noc", "rights": "see_incidents"}


@pytest.mark.parametrize("path", ["/accounts", "/accounts/chu", "/audit"])
async def test_only_the_administrator_sees_accounts_and_audit(room, administrator, officer, path):
    assert (await administrator.see(path)).status_code == 200
    assert (await officer.see(path)).status_code == 403


async def test_the_audit_reads_in_words_and_pages_back(room, administrator):
    for number in range(120):
        await room.deps.auth.sign_in(f"ma{number}", "wrong", address=f"203.0.113.{number}", user_agent="")
    first = await administrator.see("/audit")
    assert "bị từ chối: sai tên hoặc mật khẩu" in first.text
    older = re.search(r'href="(/audit\?before=\d+)"', first.text)[1]
    assert "mở tài khoản" in (await administrator.see(older)).text
    assert "203.0.113.5" not in (await administrator.see("/audit?who=chu")).text
