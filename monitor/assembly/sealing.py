"""Sealing: where this process has its keys, and every column that holds what they seal."""

import secrets

from alerting.endpoint_store import ENDPOINT_SECRET, PREVIOUS_SECRET
from inventory.credential_store import FACTOR_SECRET
from inventory.seal_file import KEY_FILE, GivenKeys, KeyFile
from inventory.sealing import Sealing
from monitor.assembly.clocks import now
from monitor.settings import Settings

__all__ = ["SEALED", "key_file", "keys_of", "sealing_of"]

SEALED = (FACTOR_SECRET, ENDPOINT_SECRET, PREVIOUS_SECRET)
"""Every column of the database that holds a secret which we must know ourselves."""


def key_file(settings: Settings) -> KeyFile:
    """Answer the file of keys in the state folder."""
    return KeyFile(settings.state / KEY_FILE, secrets.token_bytes)


def keys_of(settings: Settings) -> GivenKeys | KeyFile:
    """Answer where the keys lie: in the settings where they are given there, else in the state folder."""
    given = settings.seal_key.get_secret_value()
    return GivenKeys(given, "THONGSUOT_SEAL_KEY") if given.strip() else key_file(settings)


def sealing_of(settings: Settings) -> Sealing:
    """Answer what seals and opens by those keys."""
    return Sealing(keys_of(settings), clock=now)
