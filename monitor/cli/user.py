"""``thongsuot user``: accounts, from the machine itself; for the day on which nobody can sign in."""

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from dashboards.auth import AccountExistsError, AuthService, account_name
from dashboards.passwords import Passwords, readable_password
from dashboards.second_factor import SecondFactors
from inventory.access import Role
from inventory.database import open_engine, reading
from inventory.store import account_named, all_accounts
from monitor.assembly.sealing import sealing_of
from monitor.cli.private import keep_private
from monitor.migrations import upgrade
from monitor.settings import Settings, read_settings

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("user", help="tài khoản · accounts")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="who may sign in")
    added = verbs.add_parser("add", help="open an account; prints its first password once")
    added.add_argument("name")
    added.add_argument("--role", required=True, choices=[role.value for role in Role])
    added.add_argument("--party", default="", help="party code; needed for a carrier")
    added.add_argument("--person", default="", help="code in people.csv")
    reset = verbs.add_parser("reset", help="give a new password, printed once; ends the account's sessions")
    reset.add_argument("name")
    closed = verbs.add_parser("disable", help="close an account; ends its sessions")
    closed.add_argument("name")
    dropped = verbs.add_parser(
        "drop-factor", help="ask an account for no code any more: its telephone is lost, or the seal key is"
    )
    dropped.add_argument("name")
    verbs_of = (
        (listed, _list),
        (added, _add),
        (reset, _reset),
        (closed, _disable),
        (dropped, _drop_factor),
    )
    for verb, work in verbs_of:
        verb.add_argument("--state", type=Path, default=None, help="folder of the database (default: var)")
        verb.add_argument("--json", action="store_true", help="print facts as JSON")
        verb.set_defaults(run=_with(work))


Work = Callable[[argparse.Namespace, Settings, AuthService], Awaitable[dict[str, Any] | list[dict[str, Any]]]]


def _with(work: Work) -> Callable[[argparse.Namespace], int]:
    """Wrap what a verb does into opening the database, printing facts and saying what went wrong."""

    def run(chosen: argparse.Namespace) -> int:
        settings = read_settings(state=chosen.state, inventory=Path())
        keep_private(settings)
        upgrade(settings.url)
        try:
            facts = asyncio.run(_opened(work, chosen, settings))
        except AccountExistsError:
            print(f"there is an account {chosen.name!r} already", file=sys.stderr)
            return 1
        except KeyError as error:
            print(f"there is no open account {error.args[0]!r}", file=sys.stderr)
            return 1
        if chosen.json:
            print(json.dumps(facts, ensure_ascii=False))
        else:
            for row in facts if isinstance(facts, list) else [facts]:
                print("  ".join(f"{key}: {value}" for key, value in row.items() if value != ""))
        return 0

    return run


async def _opened(
    work: Work, chosen: argparse.Namespace, settings: Settings
) -> dict[str, Any] | list[dict[str, Any]]:
    engine = open_engine(settings.url)
    service = AuthService(
        database=engine,
        clock=_now,
        token=secrets.token_urlsafe,
        settings=settings.pages,
        passwords=Passwords(),
    )
    try:
        return await work(chosen, settings, service)
    finally:
        await engine.dispose()


def _now() -> datetime:
    return datetime.now(UTC)


def _fresh_password() -> str:
    return readable_password(sha256(secrets.token_bytes(32)).digest())


async def _list(
    _chosen: argparse.Namespace, settings: Settings, _service: AuthService
) -> list[dict[str, Any]]:
    engine = open_engine(settings.url)
    async with reading(engine) as connection:
        accounts = await all_accounts(connection)
    await engine.dispose()
    return [
        {
            "name": account.name,
            "role": account.role.value,
            "party": account.party,
            "person": account.person,
            "state": "disabled" if account.disabled_at else "open",
        }
        for account in accounts
    ]


async def _add(chosen: argparse.Namespace, _settings: Settings, service: AuthService) -> dict[str, Any]:
    password = _fresh_password()
    await service.add(chosen.name, Role(chosen.role), password, party=chosen.party, person=chosen.person)
    return {"name": chosen.name, "role": chosen.role, "password": password}


async def _reset(chosen: argparse.Namespace, _settings: Settings, service: AuthService) -> dict[str, Any]:
    password = _fresh_password()
    if not await service.give_password(chosen.name, password, actor="service"):
        raise KeyError(chosen.name)
    return {"name": account_name(chosen.name), "password": password}


async def _drop_factor(
    chosen: argparse.Namespace, settings: Settings, _service: AuthService
) -> dict[str, Any]:
    name = account_name(chosen.name)
    engine = open_engine(settings.url)
    factors = SecondFactors(
        database=engine, sealing=sealing_of(settings), clock=_now, token=secrets.token_urlsafe
    )
    try:
        async with reading(engine) as connection:
            if await account_named(connection, name) is None:
                raise KeyError(name)
        await factors.drop(name, actor="service")
    finally:
        await engine.dispose()
    return {"name": name, "second factor": "none"}


async def _disable(chosen: argparse.Namespace, _settings: Settings, service: AuthService) -> dict[str, Any]:
    if not await service.disable(chosen.name):
        raise KeyError(chosen.name)
    return {"name": chosen.name, "state": "disabled"}
