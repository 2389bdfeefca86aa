"""Having a site looked at now from a page: what was seen, or why nobody looked. A carrier has its own paths looked at.

What a carrier is shown is what :class:`monitor.look_now.LookNow` answers for its scope: a site that its lines do not
reach is as unknown as one that is not there.
"""

import math
from dataclasses import dataclass

from starlette.responses import Response

from dashboards.i18n import N_
from dashboards.views.looked import LookedView, looked_view
from dashboards.visit import PageError, Visit
from monitor.look_now import Asker, NoVantageError, TooSoonError

__all__ = ["Look", "Refused", "look_at", "own"]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nobody looked: it was asked for too often (``seconds`` until it may be again), or, at zero, nobody looks here."""

    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What came of asking: what was seen, or why nobody looked."""

    looked: LookedView | None = None
    refused: Refused | None = None

    @property
    def status(self) -> int:
        """Answer the status of a page that shows it."""
        if self.refused is None:
            return 200
        return 429 if self.refused.seconds else 409

    def told(self, answer: Response) -> Response:
        """Answer ``answer`` with when it may be asked again."""
        if self.refused is not None and self.refused.seconds:
            answer.headers["Retry-After"] = str(self.refused.seconds)
        return answer


async def look_at(visit: Visit, site: str) -> Look:
    """Look at ``site``, or at the ``path`` of it that the form names, with the rights and the scope of the visitor."""
    asker = Asker(visit.who.name, visit.address, visit.scope)
    try:
        looked = await visit.deps.look_now.look(site, asker, path=visit.form.get("path", ""))
    except LookupError as error:
        raise PageError(
            404, N_("Nothing of this site is looked at."), N_("Its inventory names no address to look at.")
        ) from error
    except NoVantageError:
        return Look(refused=Refused())
    except TooSoonError as error:
        return Look(refused=Refused(math.ceil(error.seconds)))
    return Look(looked=looked_view(looked, visit.deps.monitor.inventory))


async def own(visit: Visit) -> Response:
    """Look at the lines of the visitor's own party at one site, and show what they answered."""
    code = visit.form.get("site", "")
    look = await look_at(visit, code)
    return look.told(
        visit.page(
            "portal_looked.html",
            status=look.status,
            looked=look.looked,
            refused=look.refused,
            site=visit.deps.monitor.inventory.sites[code],
        )
    )
