"""The whole of ``/api/v1`` against its own description: no 5xx, no answer that is not declared, in shape and in type."""

import asyncio
import re
import threading
from contextlib import contextmanager

import httpx2
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from inventory.samples import sample
from monitor.app import Service, create_app
from monitor.settings import Settings

PASSWORD = "mật khẩu của quản trị"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 4
HELD_OPEN = {"/api/v1/openapi.json"}


@contextmanager
def served(tmp_path):
    """The application on a socket of its own, in a thread; answers its address and its description."""
    settings = Settings(
        inventory=sample("soc-trang-2021"), state=tmp_path, looks=False, administrator_password=PASSWORD
    )
    app = create_app(Service(settings))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        for _ in range(600):
            if server.started:
                break
            thread.join(0.1)
        assert server.started
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", app.openapi()
    finally:
        server.should_exit = True
        thread.join(30)


def signed_in(address):
    with httpx2.Client(base_url=address, headers={"Origin": address}) as client:
        page = client.get("/sign-in")
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)[1]
        client.post("/sign-in", data={"csrf": token, "name": "admin", "password": PASSWORD})
        told = {"matter": "no_service", "text": "xã báo mất", "owner": "VNPT"}
        made = client.post("/api/v1/incidents", json=told)
        assert made.status_code == 201, made.text
        return dict(client.cookies), made.json()["id"]


@pytest.mark.timeout(300)
def test_every_answer_of_the_api_is_one_that_it_declares(tmp_path):
    with served(tmp_path) as (address, description):
        cookies, incident = signed_in(address)
        schema = schemathesis.openapi.from_dict(description)
        wrong, count = [], 0
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path.startswith(("/api/v1/", "/tmf-api/")) and operation.path not in HELD_OPEN:
                count += 1
                wrong += broken_promise(operation, address, cookies, incident)
        assert count > 20
        assert not wrong, "\n\n".join(wrong)


def broken_promise(operation, address, cookies, incident):
    """Answer what is wrong with one operation; every one is asked before any is blamed."""
    try:
        held_to_its_word(operation, address, cookies, incident)
    except (AssertionError, BaseExceptionGroup, httpx2.HTTPError) as error:
        return [f"{operation.method.upper()} {operation.path}: {error}"]
    return []


def held_to_its_word(operation, address, cookies, incident):
    @given(case=operation.as_strategy(), real=st.booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=HealthCheck,
    )
    def ask(case, real):
        if real and "incident" in (case.path_parameters or {}):
            case.path_parameters["incident"] = incident
        answer = case.call(base_url=address, cookies=cookies, headers={"Origin": address}, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    ask()
