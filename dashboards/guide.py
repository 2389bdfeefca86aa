"""Help in the application: a few short pages in both languages, written for somebody with a minute to spare.

The texts are ours and static, so they go into the page as they stand. A right beside a topic hides what somebody
could not use; without one everybody who is signed in may read it.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup
from starlette.responses import Response

from dashboards.i18n import N_, Language
from dashboards.visit import PageError, Visit

__all__ = ["TOPICS", "Topic", "guide", "text_of"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One page of the guide; ``key`` names its file and its address."""

    key: str
    title: str


TOPICS = (
    Topic("board", N_("Reading the board")),
    Topic("incident", N_("Handling an incident")),
    Topic("carrier", N_("For carriers")),
    Topic("planned", N_("Announcing planned work")),
    Topic("capacity", N_("Capacity and congestion")),
    Topic("access", N_("Accounts and rights")),
)


@cache
def text_of(topic: str, language: Language) -> Markup:
    """Answer the text of a topic."""
    # Our own files, not anybody's input.
    return Markup(files("dashboards").joinpath(f"guide/{language}/{topic}.html").read_text(encoding="utf-8"))  # noqa: S704 - see above


async def guide(visit: Visit) -> Response:
    """Show one topic, the first where none is named."""
    wanted = visit.request.path_params.get("topic", TOPICS[0].key)
    topic = next((each for each in TOPICS if each.key == wanted), None)
    if topic is None:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return visit.page("guide.html", topic=topic, topics=TOPICS, text=text_of(topic.key, visit.language))
