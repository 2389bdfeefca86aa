"""Archives whose bytes depend on their content alone: fixed times, fixed order, fixed attributes."""

from collections.abc import Callable, Mapping
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

__all__ = ["packed", "repacked"]

_THEN = (1980, 1, 1, 0, 0, 0)
_FIRST = ("[Content_Types].xml", "_rels/.rels")
"""Office readers expect these at the head of a package."""


def packed(parts: Mapping[str, bytes]) -> bytes:
    """Pack parts by name."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=4) as archive:
        for name in sorted(parts, key=lambda each: (each not in _FIRST, each)):
            entry = ZipInfo(name, _THEN)
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, parts[name])
    return out.getvalue()


def repacked(archive: bytes, *, change: Callable[[Mapping[str, bytes]], Mapping[str, bytes]]) -> bytes:
    """Pack an archive again; ``change`` sees its parts and answers those that differ."""
    with ZipFile(BytesIO(archive)) as given:
        parts = {name: given.read(name) for name in given.namelist()}
    return packed({**parts, **change(parts)})
