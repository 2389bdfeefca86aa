"""Writing down what sites answer, and reading it; transactions around :mod:`alerting.rollcall`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from alerting import rollcall_store as store
from alerting.field_errors import FieldRefusedError, UnknownFieldWorkError
from alerting.rollcall import RollAnswer, RollCall
from inventory.database import reading, transaction
from inventory.models import Inventory
from inventory.reasons import Reason

__all__ = ["LONGEST_BACK", "Answered", "RollCallService"]

LONGEST_BACK = timedelta(days=2)
"""How far back an answer still stands, in a list and as evidence after a restart; a site's own page shows every one."""
_MOST_OF_A_SITE = 50
_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Answered:
    """What an officer heard, to be written down."""

    site: str
    answer: RollAnswer
    path: str = ""
    network: str = ""
    note: str = ""


class RollCallService:
    """The calls of every officer in one record."""

    def __init__(
        self, *, database: AsyncEngine, inventory: Callable[[], Inventory], clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._inventory = inventory
        self._clock = clock

    async def answer(self, given: Answered, *, actor: str) -> RollCall:
        """Write down one call; refused where site, path or network cannot be."""
        self._check(given)
        call = RollCall(
            id=0,
            site=given.site,
            answer=given.answer,
            path=given.path,
            network=given.network,
            note=given.note.strip()[:500],
            at=self._clock(),
            by=actor[:120],
        )
        async with transaction(self._database) as connection:
            return replace(call, id=await store.add(connection, call))

    def _check(self, given: Answered) -> None:
        inventory = self._inventory()
        if given.site not in inventory.sites:
            raise UnknownFieldWorkError
        if given.path and given.path not in inventory.paths:
            raise FieldRefusedError(
                Reason("số đã gọi không có trong danh mục", "the number called is not in the inventory")
            )
        if given.network and given.network not in inventory.parties:
            raise FieldRefusedError(
                Reason("không có nhà mạng này trong danh mục", "the inventory has no such carrier")
            )

    async def newest(self, since: datetime) -> Mapping[str, RollCall]:
        """Answer the newest call of each site since then, at most two days back."""
        async with reading(self._database) as connection:
            return await store.newest_since(connection, max(since, self._clock() - LONGEST_BACK))

    async def of_site(self, site: str) -> tuple[RollCall, ...]:
        """Answer the last calls to a site, newest first."""
        async with reading(self._database) as connection:
            return await store.of_site(connection, site, limit=_MOST_OF_A_SITE)

    async def standing(self) -> Sequence[RollCall]:
        """Answer what still stands as evidence, oldest first: confirmations of the last two days, the newest of each."""
        async with reading(self._database) as connection:
            return await store.newest_confirming(connection, self._clock() - LONGEST_BACK)

    async def last_id(self) -> int:
        """Answer where the record ends now."""
        async with reading(self._database) as connection:
            return await store.last_id(connection)

    async def after(self, identifier: int) -> Sequence[RollCall]:
        """Answer what was written since, oldest first, a bounded piece at a time."""
        async with reading(self._database) as connection:
            return await store.after(connection, identifier, limit=_MOST_AT_ONCE)
