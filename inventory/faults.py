"""Faults of an inventory on disk: each with its file, line, column, value and reason.

::

    Exception
    └── InventoryFaultsError     an inventory that cannot be used; carries every fault found

A fault stops a load; what merely endangers the election is a finding (see :mod:`inventory.lint`).
"""

from dataclasses import dataclass
from typing import Literal

from typing_extensions import override

from inventory.reasons import Reason

__all__ = ["Fault", "Faults", "InventoryFaultsError"]

_SHOWN = 80


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing to mend. ``line`` counts from 1; 0 means the file as a whole.

    ``column`` is the name of the CSV column, or the dotted key in a YAML file. ``reason`` is Vietnamese,
    ``reason_en`` the same in English.
    """

    file: str
    line: int
    column: str
    value: str
    reason: str
    reason_en: str = ""

    def shown(self, language: Literal["vi", "en"] = "vi") -> str:
        """Answer ``file:line:column: reason (value)``, without the parts that the fault does not have."""
        place = ":".join(part for part in (self.file, str(self.line or ""), self.column) if part)
        value = self.value if len(self.value) <= _SHOWN else f"{self.value[:_SHOWN]}…"
        reason = self.reason_en if language == "en" and self.reason_en else self.reason
        return f"{place}: {reason} ({value})" if value else f"{place}: {reason}"

    @override
    def __str__(self) -> str:
        return self.shown()


class InventoryFaultsError(Exception):
    """The inventory cannot be used; ``faults`` holds every reason, in the order of files and lines."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    @override
    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


class Faults:
    """Collects faults while an inventory is read, so that one reading tells everything that is wrong."""

    def __init__(self) -> None:
        self._found: set[Fault] = set()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, reason: Reason, *, file: str, line: int = 0, column: str = "", value: str = "") -> None:
        """Note one fault."""
        self._found.add(Fault(file, line, column, value, reason.vi, reason.en))

    def all(self) -> tuple[Fault, ...]:
        """Answer every fault, in the order of files, lines and columns."""
        return tuple(sorted(self._found))
