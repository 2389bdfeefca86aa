"""What the doctor finds: a name, how bad it is, the value seen, what it means and how to mend it, in two languages."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Finding", "Level"]


class Level(StrEnum):
    """ok; warn: works, less well; bad: does not work, or would lie."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about this machine. ``mend_*`` is empty where there is nothing to mend."""

    name: str
    level: Level
    value: str
    vi: str
    en: str
    mend_vi: str = ""
    mend_en: str = ""

    def facts(self) -> dict[str, Any]:
        """Answer everything, for JSON."""
        return asdict(self)
