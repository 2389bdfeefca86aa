"""The tasks that are counted, the same for every program, and what a count is.

Each starts on the page that a person has open after signing in (``progress``: on the page of the problem that was taken
on), with one ring of a carrier cut. The steps are counted as :mod:`tests.support.desk` counts ours: a click, a tap, a key,
a choice, a field that is written; looking, waiting and pointing without pressing are none.
"""

from dataclasses import dataclass

__all__ = ["NOT_TO_BE_HAD", "TASKS", "Counted"]

NOT_TO_BE_HAD = "not to be had"

TASKS = {
    "glance": "see at a glance what is wrong",
    "on_duty": "who is on duty now",
    "narrow": "narrow to one carrier",
    "search": "open a site by its name typed without diacritics",
    "acknowledge": "acknowledge the problem in the list",
    "phone": "the same on a telephone 390 wide",
    "twenty": "acknowledge twenty at once",
    "progress": "add a progress note to it",
    "planned": "mark two hours of planned work on it",
    "look_again": "look again now",
    "history": "see the history of a site that is hit",
}


@dataclass
class Counted:
    """``steps`` is None where the program cannot do it; ``said`` is what must be known to read the figure."""

    steps: int | None
    said: str
