"""How fast somebody may guess: the generic cell rate algorithm, one time per key, pure.

Three keys slow an attempt: the account as tried from one address (tight), the address (against trying many
accounts), the account from anywhere (against many addresses). The last is loose on purpose: a stranger must
not be able to lock the duty officer out on election night. Codes are tried only by who knows the password: there the
last is tight, since a million codes, three of them right at a time, are soon tried from many addresses at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["ACCOUNT", "ADDRESS", "CODE", "PAIR", "Allowance", "keys_of", "spent", "wait_of"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """``burst`` attempts at once, one more each ``interval``."""

    burst: int
    interval: timedelta


PAIR = Allowance(5, timedelta(seconds=30))
ADDRESS = Allowance(30, timedelta(seconds=4))
ACCOUNT = Allowance(60, timedelta(seconds=5))
CODE = Allowance(20, timedelta(minutes=1))


def keys_of(account: str, address: str, anywhere: Allowance = ACCOUNT) -> dict[str, Allowance]:
    """Answer the allowances that an attempt draws on, by their keys in the table."""
    name = account[:80]
    return {
        f"pair:{name}@{address[:64]}": PAIR,
        f"address:{address[:64]}": ADDRESS,
        f"account:{name}": anywhere,
    }


def wait_of(
    allowances: Mapping[str, Allowance], whole_at: Mapping[str, datetime], now: datetime
) -> timedelta:
    """Answer how long until the next attempt is allowed; zero when it is allowed now."""
    waits = [
        whole_at[key] - now - allowance.interval * (allowance.burst - 1)
        for key, allowance in allowances.items()
        if key in whole_at
    ]
    return max([timedelta(0), *waits])


def spent(
    allowances: Mapping[str, Allowance], whole_at: Mapping[str, datetime], now: datetime
) -> dict[str, datetime]:
    """Answer when each allowance will be whole again after one more attempt."""
    return {key: max(whole_at.get(key, now), now) + each.interval for key, each in allowances.items()}
