"""``thongsuot seal``: the keys that secrets in the database are sealed by; look at them, make one, turn to a new one.

Turning a key file makes a new key, puts it first and seals everything by it; the service may run meanwhile. Keys in
the settings are turned by putting the new one first there, starting every process again, and then ``seal turn``. Keep
an old key for as long as a backup is kept that it sealed.
"""

import argparse
import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Any

from inventory.database import open_engine
from inventory.seal import KEY_BYTES, SealError, written
from inventory.sealing import Sealed
from monitor.assembly.sealing import SEALED, key_file, keys_of, sealing_of
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
    for verb, work in ((looked, _status), (turned, _turn)):
        verb.add_argument("--state", type=Path, default=None, help="folder of the database (default: var)")
        verb.add_argument("--json", action="store_true", help="print facts as JSON")
        verb.set_defaults(run=work)


def _new(_chosen: argparse.Namespace) -> int:
    print(written(secrets.token_bytes(KEY_BYTES)))
    return 0


def _status(chosen: argparse.Namespace) -> int:
    return _told(chosen, turns=False)


def _turn(chosen: argparse.Namespace) -> int:
    return _told(chosen, turns=True)


def _told(chosen: argparse.Namespace, *, turns: bool) -> int:
    settings = read_settings(state=chosen.state, inventory=Path())
    upgrade(settings.url)
    try:
        told = asyncio.run(_worked(settings, turns=turns))
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


async def _worked(settings: Settings, *, turns: bool) -> Sealed:
    engine = open_engine(settings.url)
    sealing = sealing_of(settings)
    try:
        if not turns:
            return await sealing.look(engine, SEALED)
        if not settings.seal_key.get_secret_value().strip():
            # Only what opens by the present key can be sealed by a new one: ask before the file is changed.
            await sealing.check(engine)
            key_file(settings).turn()
        return await sealing.turn(engine, SEALED)
    finally:
        await engine.dispose()
