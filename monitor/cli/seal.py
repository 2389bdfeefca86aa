"""``thongsuot seal``: the keys that secrets in the database are sealed by; look at them, make one, turn to a new one.

Turning a key file makes a new key, puts it first and seals everything by it; the service may run meanwhile. Keys in
the settings are turned by putting the new one first there, starting every process again, and then ``seal turn``. Keep
an old key for as long as a backup is kept that it sealed. ``--lost`` begins anew with the present key, or a new file,
where those that sealed before are gone for good: what they sealed must be set anew, and is listed.
"""

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from inventory.database import open_engine
from inventory.seal import KEY_BYTES, SealError, written
from inventory.sealing import Sealed
from monitor.assembly.sealing import SEALED, key_file, keys_of, sealing_of
from monitor.cli.private import keep_private
from monitor.migrations import upgrade
from monitor.settings import Settings, read_settings

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser(
        "seal", help="khóa niêm phong bí mật · keys that seal secrets in the database"
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    made = verbs.add_parser("new", help="print a new key, for THONGSUOT_SEAL_KEY")
    made.set_defaults(run=_new)
    looked = verbs.add_parser(
        "status", help="what is sealed by which key, and whether it opens; exit 1 if not"
    )
    turned = verbs.add_parser(
        "turn", help="seal everything by a new key (file) or by the newest one (settings)"
    )
    turned.add_argument(
        "--lost", action="store_true", help="the keys that sealed before are gone for good: begin anew"
    )
    for verb, work in ((looked, _status), (turned, _turn)):
        verb.add_argument("--state", type=Path, default=None, help="folder of the database (default: var)")
        verb.add_argument("--json", action="store_true", help="print facts as JSON")
        verb.set_defaults(run=work)


def _new(_chosen: argparse.Namespace) -> int:
    print(written(secrets.token_bytes(KEY_BYTES)))
    return 0


def _status(chosen: argparse.Namespace) -> int:
    return _told(chosen, lambda settings, engine: sealing_of(settings).look(engine, SEALED))


def _turn(chosen: argparse.Namespace) -> int:
    async def work(settings: Settings, engine: AsyncEngine) -> Sealed:
        sealing = sealing_of(settings)
        if not chosen.lost and not settings.seal_key.get_secret_value().strip():
            # Only what may seal now may be given a new key: ask before the file is changed.
            await sealing.check(engine)
            key_file(settings).turn()
        return await sealing.turn(engine, SEALED, is_lost=chosen.lost)

    return _told(chosen, work)


def _told(
    chosen: argparse.Namespace, work: Callable[[Settings, AsyncEngine], Coroutine[Any, Any, Sealed]]
) -> int:
    settings = read_settings(state=chosen.state, inventory=Path())
    keep_private(settings)
    upgrade(settings.url)
    try:
        told = asyncio.run(_worked(settings, work))
    except SealError as error:
        print(error, file=sys.stderr)
        return 1
    where = keys_of(settings).where
    facts = {"keys": where, "newest": told.newest, "sealed": dict(told.by_key), "faults": list(told.faults)}
    if chosen.json:
        print(json.dumps({**facts, "written": told.written}))
    else:
        print(f"{where}: {told.newest or '-'}")
        for name, count in sorted(told.by_key.items()):
            print(f"  {name or 'chưa niêm phong · in clear'}: {count}")
    for fault in told.faults:
        print(fault, file=sys.stderr)
    return 1 if told.faults or told.in_clear else 0


async def _worked(
    settings: Settings, work: Callable[[Settings, AsyncEngine], Coroutine[Any, Any, Sealed]]
) -> Sealed:
    engine = open_engine(settings.url)
    try:
        return await work(settings, engine)
    finally:
        await engine.dispose()
