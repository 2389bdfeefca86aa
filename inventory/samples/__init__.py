"""Ready-made inventories, shipped with the package and written by :mod:`inventory.generate`."""

from pathlib import Path

__all__ = ["NAMES", "sample"]

NAMES = ("soc-trang-2021", "quang-nam-2021")


def sample(name: str) -> Path:
    """Answer the folder of a sample. Raises KeyError for a name that is none."""
    if name not in NAMES:
        raise KeyError(name)
    return Path(__file__).parent / name
