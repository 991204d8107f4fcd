"""The build: which version of the code runs, and of which commit. Evidence about unknown code is worth little."""

import os
import re
from functools import cache
from pathlib import Path

from stockade import __version__

UNKNOWN = "unknown"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@cache
def version() -> str:
    """Return the version of the code."""
    return __version__


@cache
def commit() -> str:
    """Return the commit in hex: ``STOCKADE_COMMIT`` (a container image sets it), else that of the source checkout."""
    given = os.environ.get("STOCKADE_COMMIT", "").strip().lower()
    if _COMMIT.fullmatch(given):
        return given
    return commit_of(Path(__file__).parents[3])


def commit_of(checkout: Path) -> str:
    """Return the commit that is checked out in a folder, ``unknown`` if it is no checkout (gitrepository-layout(5)).

    Read from git's own files, not by calling git: there may be none, and it would obey the folder's configuration.
    """
    try:
        folder = _git_folder(checkout / ".git")
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head if _COMMIT.fullmatch(head) else UNKNOWN
        return _resolve(folder, head.removeprefix("ref: "))
    except (OSError, UnicodeDecodeError):
        return UNKNOWN


def _git_folder(path: Path) -> Path:
    """Return the folder itself; in a linked work tree it is a file that names it."""
    if path.is_dir():
        return path
    return (path.parent / path.read_text().strip().removeprefix("gitdir: ")).resolve()


def _resolve(folder: Path, reference: str) -> str:
    shared = folder / "commondir"
    common = (folder / shared.read_text().strip()).resolve() if shared.is_file() else folder
    for place in (folder, common):
        loose = place / reference
        if loose.is_file():
            found = loose.read_text().strip()
            return found if _COMMIT.fullmatch(found) else UNKNOWN
    for line in (common / "packed-refs").read_text().splitlines():
        found, _, name = line.partition(" ")
        if name == reference and _COMMIT.fullmatch(found):
            return found
    return UNKNOWN
