"""The composition as a whole: who may reach what, and what the service says of itself."""

from contextlib import asynccontextmanager
from hashlib import sha256

import httpx2
import pytest

from inventory.samples import sample
from monitor.app import Service, create_app
from monitor.settings import Settings

OFFICER = "mật khẩu của quản trị"
TOKEN = "c0ffee-vantage"


@asynccontextmanager
async def a_service(tmp_path, **more):
    """The whole application in process, looking at nothing by itself."""
    settings = Settings(
        inventory=sample("soc-trang-2021"),
        state=tmp_path,
        looks=False,
        administrator_password=OFFICER,
        vantage_tokens={"SOC-TRANG-1": sha256(TOKEN.encode()).hexdigest()},
        **more,
    )
    service = Service(settings)
    app = create_app(service)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 40000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            yield client, service


@pytest.mark.parametrize(
    "path", ["/api/v1/states", "/api/v1/changes", "/api/v1/outages", "/api/v1/incidents"]
)
async def test_belief_and_incidents_are_read_by_nobody_without_a_session(tmp_path, path):
    async with a_service(tmp_path) as (client, _):
        assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", "/metrics", "/metrics/targets"])
async def test_health_and_metrics_are_for_machines_on_the_inside(tmp_path, path):
    async with a_service(tmp_path) as (client, _):
        assert (await client.get(path)).status_code == 200


async def test_a_reload_is_taken_from_this_machine_and_from_no_browser_and_no_proxy(tmp_path):
    async with a_service(tmp_path) as (client, service):
        assert (await client.post("/-/reload")).json()["digest"] == service.monitor.inventory.digest
        from_page = await client.post("/-/reload", headers={"Origin": "http://127.0.0.1:8080"})
        assert from_page.status_code == 401
        foreign = await client.post("/-/reload", headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403
        through_proxy = await client.post("/-/reload", headers={"X-Forwarded-For": "203.0.113.9"})
        assert through_proxy.status_code == 403


async def test_the_board_asks_for_a_sign_in_and_carries_the_headers_that_keep_it_whole(tmp_path):
    async with a_service(tmp_path) as (client, _):
        answer = await client.get("/", headers={"Accept": "text/html"})
        assert answer.status_code in {302, 303, 307}
        assert "/sign-in" in answer.headers["location"]
        assert "default-src" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_remote_vantage_needs_its_own_token(tmp_path):
    async with a_service(tmp_path) as (client, _):
        assert (await client.post("/hooks/batches", content=b"")).status_code == 401
        wrong = await client.post("/hooks/batches", content=b"x", headers={"Authorization": "Bearer nope"})
        assert wrong.status_code == 401
        junk = await client.post(
            "/hooks/batches", content=b"junk", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert junk.status_code == 422


async def test_an_unknown_heartbeat_is_answered_like_a_path_that_does_not_exist(tmp_path):
    async with a_service(tmp_path) as (client, _):
        assert (await client.get("/hooks/heartbeat/nobody")).status_code == 404


async def test_the_description_of_the_interface_is_served_and_no_page_of_the_library_is(tmp_path):
    async with a_service(tmp_path) as (client, _):
        paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
        assert "/api/v1/incidents" in paths
        assert (await client.get("/docs")).status_code in {302, 303, 307, 404}


async def test_metrics_name_every_verdict_and_no_person(tmp_path):
    async with a_service(tmp_path) as (client, _):
        page = (await client.get("/metrics")).text
        assert 'thongsuot_sites{verdict="untested"} 139.0' in page
        assert "+84" not in page


async def test_a_service_over_either_database_starts_twice_acts_and_says_which_it_is(
    tmp_path, database_url, capsys
):
    for _ in range(2):
        async with a_service(tmp_path, database_url=database_url) as (client, service):
            assert (await client.get("/-/ready")).status_code == 200
            assert (await client.get("/api/v1/incidents")).status_code == 401
            assert await service.alerting.absorb() == 0
    engine = "PostgreSQL" if "postgresql" in database_url else "SQLite"
    # Where the log goes depends on whether a command of this process has set it up before.
    written = capsys.readouterr()
    assert f"database='{engine} " in written.out + written.err
