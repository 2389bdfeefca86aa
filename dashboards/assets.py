"""Our own files, held in memory and served under a name that changes with their content.

Every page asks for ``/static/<digest>/…``, so a browser on a bad line keeps what it has for a year and never
mixes two versions; modules and style sheets name each other relatively and so stay under the same digest.
A path is looked up in a table, never on the disk: there is nothing to climb out of.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

__all__ = ["Asset", "Assets", "assets"]

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "json": "application/json",
}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, the same compressed where that helps, and its type."""

    content: bytes
    compressed: bytes | None
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All files by path, and the digest over them."""

    digest: str
    by_path: Mapping[str, Asset]

    def url(self, path: str) -> str:
        """Answer where ``path`` is served; a path that does not exist is a fault of the template."""
        if path not in self.by_path:
            raise KeyError(path)
        return f"/static/{self.digest}/{path}"

    def respond(self, request: Request, path: str) -> Response:
        """Serve one file, compressed where the browser takes it."""
        asset = self.by_path.get(path)
        if asset is None:
            return Response(status_code=404)
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
        if asset.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(asset.compressed, media_type=asset.media_type, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)


@cache
def assets() -> Assets:
    """Read every file under ``static/`` once."""
    found = dict(_read(files("dashboards").joinpath("static"), ""))
    digest = sha256()
    for path, asset in sorted(found.items()):
        digest.update(path.encode() + b"\0" + sha256(asset.content).digest())
    return Assets(digest.hexdigest()[:12], found)


def _read(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _read(entry, f"{path}/")
        elif (media_type := _TYPES.get(entry.name.rpartition(".")[2])) is not None:
            content = entry.read_bytes()
            text = not path.endswith(".woff2")
            found.append(
                (path, Asset(content, gzip.compress(content, 9, mtime=0) if text else None, media_type))
            )
    return found
