"""Who gets in, who is kept out, and for how long."""

from datetime import timedelta

import pytest

from dashboards.auth import AccountExistsError, WeakPasswordError, ensure_administrator
from dashboards.security import safe_next, token_hash
from inventory.access import Role
from inventory.database import reading
from inventory.schema import accounts, sessions
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD


async def rows(room, table):
    async with reading(room.database) as connection:
        return (await connection.execute(table.select())).mappings().all()


async def test_a_page_sends_a_stranger_to_sign_in_and_back(room, visitor):
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    asked = await visitor.see("/duty")
    assert str(asked.url) == f"{ORIGIN}/sign-in?next=%2Fduty"
    assert 'name="next" value="/duty"' in asked.text
    fields = {"name": "trucban", "password": PASSWORD, "next": "/duty"}
    arrived = await visitor.send("/sign-in", fields, seen_on="/sign-in?next=/duty")
    assert str(arrived.url) == f"{ORIGIN}/duty"


async def test_the_session_cookie_is_out_of_reach_and_only_its_hash_is_stored(room, visitor):
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    answer = await visitor.sign_in("trucban", follow_redirects=False)
    [cookie] = [line for line in answer.headers.get_list("set-cookie") if line.startswith("thongsuot=")]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    token = visitor.client.cookies["thongsuot"]
    [stored] = await rows(room, sessions)
    assert stored["token_hash"] == token_hash(token)
    assert token not in str(dict(stored))


async def test_over_https_the_cookie_is_secure_and_tied_to_the_host(room):
    secure = room.deps.settings.model_copy(update={"public_url": "https://duty.example"})
    object.__setattr__(room.deps, "settings", secure)
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    visitor = Visitor(room)
    visitor.client.base_url = "https://duty.example"
    answer = await visitor.sign_in("trucban", origin="https://duty.example", follow_redirects=False)
    [cookie] = [
        line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-thongsuot=")
    ]
    assert "Secure" in cookie
    assert "Path=/" in cookie
    await visitor.client.aclose()


@pytest.mark.parametrize(("name", "password"), [("trucban", "not the password"), ("nobody", PASSWORD)])
async def test_a_wrong_name_and_a_wrong_password_read_the_same(room, visitor, name, password):
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    answer = await visitor.sign_in(name, password)
    assert answer.status_code == 401
    assert "Tên đăng nhập hoặc mật khẩu không đúng." in answer.text
    assert "thongsuot" not in visitor.client.cookies


async def test_a_machine_account_cannot_use_pages(room, visitor):
    await room.deps.auth.add("probe", Role.MACHINE, PASSWORD)
    assert (await visitor.sign_in("probe")).status_code == 401


async def test_guessing_from_one_address_is_slowed_and_time_alone_makes_it_whole(room, visitor):
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    for _ in range(5):
        assert (await visitor.sign_in("trucban", "wrong password")).status_code == 401
    refused = await visitor.sign_in("trucban", PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) <= 31
    assert "Thử quá nhiều lần" in refused.text
    room.now += timedelta(seconds=31)
    assert str((await visitor.sign_in("trucban", PASSWORD)).url) == f"{ORIGIN}/"


async def test_a_stranger_who_guesses_does_not_lock_the_duty_officer_out(room):
    auth = room.deps.auth
    await auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    for _ in range(8):
        await auth.sign_in("trucban", "wrong password", address="203.0.113.9", user_agent="")
    assert isinstance(await auth.sign_in("trucban", PASSWORD, address="10.0.0.5", user_agent=""), str)


async def test_trying_many_names_from_one_address_is_slowed(room):
    auth = room.deps.auth
    answers = [
        await auth.sign_in(f"name{number}", "wrong password", address="203.0.113.9", user_agent="")
        for number in range(32)
    ]
    assert [bool(answer.wait) for answer in answers] == [False] * 30 + [True] * 2


async def test_signing_out_ends_the_session_at_once(officer):
    token = officer.client.cookies["thongsuot"]
    await officer.send("/sign-out", {}, seen_on="/")
    officer.client.cookies.set("thongsuot", token, domain="duty.example")
    assert "/sign-in" in str((await officer.see("/")).url)


async def test_a_session_ends_after_idle_hours_but_a_wall_screen_stays(room, officer):
    await room.deps.auth.add("wall", Role.COMMITTEE, PASSWORD)
    screen = Visitor(room)
    await screen.sign_in("wall")
    room.now += timedelta(hours=14)
    assert "/sign-in" in str((await officer.see("/")).url)
    assert str((await screen.see("/wall")).url) == f"{ORIGIN}/wall"
    await screen.client.aclose()


async def test_use_keeps_a_session_alive_until_its_full_length(room, officer):
    for _ in range(13):
        room.now += timedelta(hours=12)
        assert "/sign-in" not in str((await officer.see("/")).url)
    room.now += timedelta(hours=12, minutes=1)
    assert "/sign-in" in str((await officer.see("/")).url)


async def test_closing_an_account_ends_its_sessions(room, officer):
    assert await room.deps.auth.disable("TrucBan")
    assert "/sign-in" in str((await officer.see("/")).url)
    assert (await officer.sign_in("trucban")).status_code == 401


async def test_the_first_start_makes_one_administrator_whose_password_serves_once(room, visitor):
    auth = room.deps.auth
    password = await ensure_administrator(auth, lambda: "a token")
    assert await ensure_administrator(auth, lambda: "another") is None
    landed = await visitor.sign_in("admin", password)
    assert "/password" in str(landed.url)
    assert "/password" in str((await visitor.see("/incidents")).url)
    form = {"old": password, "new": "moi-hoan-toan-2021", "again": "moi-hoan-toan-2021"}
    assert str((await visitor.send("/password", form, seen_on="/password")).url) == f"{ORIGIN}/"
    assert (await visitor.see("/incidents")).status_code == 200


async def test_changing_the_password_ends_every_other_session(room, officer):
    elsewhere = Visitor(room)
    await elsewhere.sign_in("trucban")
    form = {"old": PASSWORD, "new": "mat-khau-moi-1", "again": "mat-khau-moi-1"}
    await officer.send("/password", form, seen_on="/password")
    assert str((await officer.see("/duty")).url) == f"{ORIGIN}/duty"
    assert "/sign-in" in str((await elsewhere.see("/")).url)
    await elsewhere.client.aclose()


@pytest.mark.parametrize(
    ("old", "new", "again", "status"),
    [
        ("wrong", "mat-khau-moi-1", "mat-khau-moi-1", 401),
        (PASSWORD, "mat-khau-moi-1", "mat-khau-moi-2", 422),
        (PASSWORD, "ngan", "ngan", 422),
        (PASSWORD, PASSWORD, PASSWORD, 422),
    ],
    ids=["the old one is wrong", "the two differ", "too short", "the same again"],
)
async def test_a_password_that_will_not_do_is_refused_with_a_sentence(officer, old, new, again, status):
    answer = await officer.send("/password", {"old": old, "new": new, "again": again}, seen_on="/password")
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


async def test_accounts_are_named_once_and_carriers_need_a_party(room):
    auth = room.deps.auth
    await auth.add("Ngọc", Role.INSPECTOR, PASSWORD)
    with pytest.raises(AccountExistsError):
        await auth.add(" ngọc ", Role.INSPECTOR, PASSWORD)
    with pytest.raises(ValueError, match="needs a party"):
        await auth.add("vnpt", Role.CARRIER, PASSWORD)
    with pytest.raises(WeakPasswordError):
        await auth.add("short", Role.INSPECTOR, "short")
    stored = await rows(room, accounts)
    assert all(row["password_hash"].startswith("$argon2id$") for row in stored)


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        ("/duty", "/duty"),
        ("/incidents/4?x=1", "/incidents/4?x=1"),
        (None, "/"),
        ("", "/"),
        ("duty", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/" + "a" * 600, "/"),
    ],
)
def test_signing_in_leads_only_to_pages_of_ours(wanted, gone):
    assert safe_next(wanted) == gone
