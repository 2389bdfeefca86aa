"""``make peers``: drive every program that is here, write the counts down and README's table with them."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.peers import icinga, icinga_tasks, ours
from tests.peers.results import OURS, PATH, write
from tests.peers.watched import watched
from tests.support.desk import CHROMIUM, a_browser

__all__ = ["main"]


async def _drive(task, place):
    async with a_browser() as browser:
        return await task(browser, place)


def main():
    """Answer 0 when all that is installed was driven."""
    if not CHROMIUM:
        sys.exit("no chromium on this machine: nothing can be driven")
    counted, versions = {}, {OURS: "this repository"}
    with tempfile.TemporaryDirectory(prefix="thongsuot-peers-") as folder:
        counted[OURS] = asyncio.run(_drive(ours.drive, Path(folder)))
        write(counted, versions)
        if icinga.is_installed():
            place = Path(folder, "icinga")
            place.mkdir()
            with icinga.served(place, watched()) as address:
                counted[icinga.TITLE] = asyncio.run(_drive(icinga_tasks.drive, address))
                versions[icinga.TITLE] = icinga.version()
            write(counted, versions)
        else:
            print("left out, because not installed here: Icinga Web 2 with Icinga DB")
    for program, tasks in counted.items():
        print(program, {key: each.steps for key, each in tasks.items()})
    print(f"written: {PATH}")


if __name__ == "__main__":
    main()
