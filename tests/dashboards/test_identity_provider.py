"""Signing in at the department's identity provider, against a provider that nobody here wrote."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from dashboards.federation import Federation, FederationError
from dashboards.settings import OidcSettings
from inventory.access import Role
from inventory.audit import AuditAct
from inventory.schema import federated_sign_ins
from tests.dashboards.conftest import ORIGIN, Visitor
from tests.support.duty_room import PASSWORD
from tests.support.identity import a_provider, signed_in_there

NGOC = {"sub": "u-1001", "preferred_username": "trucban", "email": "trucban@example.vn"}
STRANGER = {"sub": "u-2002", "preferred_username": "nguoila"}
NAMESAKE = {"sub": "u-3003", "preferred_username": "TrucBan"}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    with a_provider(tmp_path_factory.mktemp("provider") / "log", NGOC, STRANGER, NAMESAKE) as running:
        yield running


@pytest.fixture
async def room_with_provider(room, issuer):
    # The provider dates its tokens by the machine's clock, so the room lives in the present here.
    room.now = datetime.now(UTC)
    settings = OidcSettings(
        issuer=issuer, client_id="thongsuot", client_secret=SecretStr("s3cret"), name="Sở TT&TT"
    )
    federation = Federation(
        settings=settings,
        database=room.database,
        clock=room.clock,
        token=room.deps.token,
        public_url=ORIGIN,
    )
    object.__setattr__(room.deps, "federation", federation)
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    return room


async def departed(visitor: Visitor, page: str = "/duty") -> str:
    answer = await visitor.see(f"/sign-in/provider?next={page}", follow_redirects=False)
    return answer.headers["location"]


async def arrived(visitor: Visitor, back: str):
    assert back.startswith(f"{ORIGIN}/sign-in/provider/back?")
    return await visitor.see(back.removeprefix(ORIGIN))


async def test_the_sign_in_page_offers_the_provider_by_its_name(room_with_provider, visitor):
    page = await visitor.see("/sign-in?next=/duty")
    assert "Đăng nhập bằng Sở TT&amp;TT" in page.text
    assert 'href="/sign-in/provider?next=/duty"' in page.text


async def test_who_the_provider_knows_comes_in_to_the_page_they_wanted(room_with_provider, visitor):
    back = await signed_in_there(await departed(visitor), "u-1001")
    landed = await arrived(visitor, back)
    assert str(landed.url) == f"{ORIGIN}/duty"
    assert landed.status_code == 200
    acts = [line.act for line in await room_with_provider.deps.auth.audited(limit=2)]
    assert acts == [AuditAct.SIGNED_IN, AuditAct.IDENTITY_LINKED]


async def test_an_identity_stays_with_its_account_and_a_namesake_gets_nothing(room_with_provider, visitor):
    await arrived(visitor, await signed_in_there(await departed(visitor), "u-1001"))
    namesake = Visitor(room_with_provider)
    refused = await arrived(namesake, await signed_in_there(await departed(namesake), "u-3003"))
    assert refused.status_code == 502
    assert "/sign-in" in str((await namesake.see("/duty")).url)
    again = Visitor(room_with_provider)
    landed = await arrived(again, await signed_in_there(await departed(again), "u-1001"))
    assert str(landed.url) == f"{ORIGIN}/duty"
    for each in (namesake, again):
        await each.client.aclose()


async def test_who_has_no_account_here_gets_none_by_having_one_there(room_with_provider, visitor):
    refused = await arrived(visitor, await signed_in_there(await departed(visitor), "u-2002"))
    assert refused.status_code == 502
    assert "nguoila" not in refused.text
    assert [each.name for each in await room_with_provider.deps.auth.accounts()] == ["trucban"]


async def test_a_closed_account_stays_closed(room_with_provider, visitor):
    await arrived(visitor, await signed_in_there(await departed(visitor), "u-1001"))
    await room_with_provider.deps.auth.disable("trucban")
    again = Visitor(room_with_provider)
    refused = await arrived(again, await signed_in_there(await departed(again), "u-1001"))
    assert refused.status_code == 502
    await again.client.aclose()


async def test_an_answer_serves_once_and_in_the_browser_that_asked(room_with_provider, visitor):
    back = await signed_in_there(await departed(visitor), "u-1001")
    thief = Visitor(room_with_provider)
    assert (await arrived(thief, back)).status_code == 502
    assert (await arrived(visitor, back)).status_code == 200
    await visitor.send("/sign-out", {}, seen_on="/")
    assert (await arrived(visitor, back)).status_code == 502
    await thief.client.aclose()


async def test_an_answer_that_comes_after_ten_minutes_is_too_late(room_with_provider, visitor):
    back = await signed_in_there(await departed(visitor), "u-1001")
    room_with_provider.now += timedelta(minutes=11)
    assert (await arrived(visitor, back)).status_code == 502


async def test_the_departure_binds_state_nonce_and_a_challenge(room_with_provider, visitor):
    query = parse_qs(urlsplit(await departed(visitor)).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{ORIGIN}/sign-in/provider/back"]
    assert all(len(query[name][0]) >= 40 for name in ("state", "nonce", "code_challenge"))


async def test_a_token_for_another_nonce_or_another_client_is_refused(room_with_provider, visitor):
    federation = room_with_provider.deps.federation
    departure = await federation.depart("/")
    back = await signed_in_there(departure.url, "u-1001")
    code = parse_qs(urlsplit(back).query)["code"][0]
    with pytest.raises(FederationError, match="nonce"):
        federation._redeem(code, await verifier_of(room_with_provider), "another", room_with_provider.now)


async def verifier_of(room) -> str:

    async with room.database.connect() as connection:
        rows = (await connection.execute(federated_sign_ins.select())).mappings().all()
    return rows[-1]["verifier"]


async def test_a_token_out_of_its_time_is_refused(room_with_provider, visitor):
    federation = room_with_provider.deps.federation
    departure = await federation.depart("/")
    code = parse_qs(urlsplit(await signed_in_there(departure.url, "u-1001")).query)["code"][0]
    nonce = parse_qs(urlsplit(departure.url).query)["nonce"][0]
    late = room_with_provider.now + timedelta(days=2)
    with pytest.raises(FederationError, match="expired"):
        federation._redeem(code, await verifier_of(room_with_provider), nonce, late)


async def test_a_provider_that_is_away_is_said_on_the_page_and_passwords_still_serve(room, visitor):
    settings = OidcSettings(
        issuer="http://127.0.0.1:9", client_id="thongsuot", client_secret=SecretStr("s3cret")
    )
    federation = Federation(
        settings=settings, database=room.database, clock=room.clock, token=room.deps.token, public_url=ORIGIN
    )
    object.__setattr__(room.deps, "federation", federation)
    await room.deps.auth.add("trucban", Role.DUTY_OFFICER, PASSWORD)
    refused = await visitor.see("/sign-in/provider")
    assert refused.status_code == 502
    assert "SSO" in refused.text
    assert (await visitor.sign_in("trucban")).status_code == 200


async def test_without_a_provider_there_is_no_such_page(visitor):
    assert (await visitor.see("/sign-in/provider")).status_code == 404
    assert (await visitor.see("/sign-in/provider/back?state=x&code=y")).status_code == 404
