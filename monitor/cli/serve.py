"""``thongsuot serve``: the service on an inventory, until told to stop."""

import argparse
import asyncio
import signal
import sys
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.types import ASGIApp
from typing_extensions import override

from inventory.loader import InventoryFaultsError
from monitor.app import Service, create_app
from monitor.cli.parent import watch_parent
from monitor.cli.private import keep_private
from monitor.migrations import upgrade
from monitor.settings import Settings, read_settings

__all__ = ["add", "listening"]

_GRACE_SECONDS = 1


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("serve", help="chạy dịch vụ · run the service")
    parser.add_argument("--inventory", type=Path, help="inventory folder (or THONGSUOT_INVENTORY)")
    parser.add_argument("--state", type=Path, help="folder for the database and everything that changes")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--day", type=date.fromisoformat, help="hold the election on this day (YYYY-MM-DD)")
    parser.add_argument("--record", type=Path, help="keep a record there for `thongsuot replay`")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input ends")
    parser.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    given = {name: getattr(chosen, name) for name in ("inventory", "state", "host", "port", "day")}
    if chosen.record is not None:
        given["record"] = {"folder": chosen.record}
    try:
        settings = read_settings(**given)
        keep_private(settings)
        # Again when the service starts, but there a database that cannot be had would end in a traceback.
        upgrade(settings.url)
        service = Service(settings)
    except ValidationError as error:
        # What was given is not repeated: it may be a secret, or a section with one in it, and this goes to a log.
        for fault in error.errors(include_input=False):
            place = "__".join(str(part) for part in fault["loc"]).upper()
            print(f"THONGSUOT_{place}: {fault['msg']}", file=sys.stderr)
        return 2
    except InventoryFaultsError as error:
        print("\n".join(map(str, error.faults)), file=sys.stderr)
        return 1
    return _serve(settings, service, with_parent=chosen.with_parent)


def _serve(settings: Settings, service: Service, *, with_parent: bool) -> int:
    server = _Server(settings, create_app(service), service)
    if with_parent:
        watch_parent(lambda: setattr(server, "should_exit", True))
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises again what it was stopped by; having stopped as asked is no failure.
        signal.signal(number, lambda _number, _frame: None)
    server.run()
    return 0 if server.started else 1


def listening(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """Answer how we listen. Who asks is said by the connection, or by a proxy that the settings name."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=[str(network) for network in settings.proxies],
    )


class _Server(uvicorn.Server):
    """uvicorn, which ends live streams first so that a wall screen cannot hold the shutdown, and reloads on SIGHUP."""

    def __init__(self, settings: Settings, app: FastAPI, service: Service) -> None:
        super().__init__(listening(settings, app))
        self._service = service

    @override
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    @override
    async def shutdown(self, sockets: Any = None) -> None:
        self._service.hub.close()
        await super().shutdown(sockets)

    def _reload(self) -> None:
        self._reloading = asyncio.ensure_future(self._service.reload())
