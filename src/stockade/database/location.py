"""Where an embedded server lives, and as whom it runs.

Usually everything is in ``$STOCKADE_HOME/postgres``. Two things can make it move, and are then recorded there in
``location.json``: PostgreSQL refuses to run as root, so root starts it as another user, who may be unable to reach
the data folder (``/root`` is closed); and a unix socket's path must be shorter than 108 bytes.
"""

import os
import pwd
import re
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stockade.kernel.files import write_whole
from stockade.kernel.problems import Refusal

SERVER_USERS = ("stockade", "postgres", "nobody")
"""Whom root runs the server as: the first one that exists. No user is added to somebody's machine unasked."""
RECORD = "location.json"
SOCKET_PATH_LIMIT_BYTES = 107
"""``sun_path`` holds 108 bytes with its closing zero (unix(7)); it is 104 on BSD and macOS, which 103 respects."""
_SOCKET_NAME_BYTES = len("/.s.PGSQL.5432.lock")
# A comma separates hosts in a connection string and folders in unix_socket_directories; quoting differs per client.
_PLAIN_PATH = re.compile(r"/[\w/.+@-]+(?: [\w/.+@-]+)*", re.ASCII)


@dataclass(frozen=True)
class ServerUser:
    """The account that the server runs as when root starts it."""

    name: str
    uid: int
    gid: int


class Location(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``location.json`` says; None means the usual place, so that a data folder can be moved as a whole."""

    base: str | None = None
    sockets: str | None = None


def read_location(folder: Path) -> Location | None:
    """Return what is recorded in a ``postgres`` folder, or None before its first ``settle``."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Location)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        raise Refusal(f"{folder / RECORD} is damaged: restore it, it says where the database lives.") from None


def server_user(data: Path | None) -> ServerUser | None:
    """Return whom the server runs as: the owner of its data, else the first of ``SERVER_USERS``; None is ourselves."""
    owner = data.stat().st_uid if data is not None and data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            raise Refusal(f"The database in {data} belongs to user {_name(owner)}: start as that user, or as root.")
        return None
    if owner == 0:
        raise Refusal(f"The database in {data} belongs to root, whom PostgreSQL refuses: chown it to its own user.")
    for name in SERVER_USERS if owner is None else (owner,):
        try:
            account = pwd.getpwnam(name) if isinstance(name, str) else pwd.getpwuid(name)
        except KeyError:
            continue
        return ServerUser(account.pw_name, account.pw_uid, account.pw_gid)
    raise Refusal(
        "PostgreSQL does not run as root, and there is no other user for it: run 'useradd --system stockade'."
    )


def settle(folder: Path) -> tuple[Location, ServerUser | None]:
    """Decide and record where the server of a ``postgres`` folder lives; make the folders; idempotent."""
    make_folder(folder, None, shared=True)
    known = read_location(folder)
    base = Path(known.base) if known and known.base else folder
    if not base.is_dir():
        raise Refusal(f"The database of {folder} lives in {base}, which is missing: bring it back, or remove {folder}.")
    user = server_user(base / "data")
    if user is not None and not _can_reach(base, user):
        if known is not None:
            raise Refusal(f"User {user.name!r} can no longer reach {base}: let it pass again with 'chmod o+x'.")
        base = _make_base_elsewhere(folder, user)
    sockets = _settle_sockets(base, known.sockets if known else None, user)
    location = Location(None if base == folder else str(base), sockets)
    if location != known:
        write_whole(folder / RECORD, msgspec.json.encode(location))
    return location, user


def make_folder(path: Path, owner: ServerUser | None, *, shared: bool = False) -> None:
    """Make a folder that only ``owner`` (None: ourselves) can use; ``shared`` lets root's server user pass through."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o711 if shared and os.geteuid() == 0 else 0o700)
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)


def _can_reach(folder: Path, user: ServerUser) -> bool:
    command = ["/bin/sh", "-c", '[ -x "$1" ]', "sh", str(folder)]
    return subprocess.run(command, user=user.uid, group=user.gid, extra_groups=[], cwd="/", check=False).returncode == 0


def _make_base_elsewhere(folder: Path, user: ServerUser) -> Path:
    # The name is random, not derived from the folder's: whoever removes the data folder begins with an empty database.
    for parent in (Path("/var/lib/stockade"), Path("/var/tmp")):  # noqa: S108 - mkdtemp's name cannot be foreseen.
        try:
            if parent.name == "stockade":
                make_folder(parent, None, shared=True)
            base = Path(tempfile.mkdtemp(prefix="stockade-", dir=parent))
        except OSError:
            continue
        make_folder(base, None, shared=True)
        write_whole(base / "belongs-to", f"{folder}\n".encode())
        if _can_reach(base, user):
            return base
        (base / "belongs-to").unlink()
        base.rmdir()
    raise Refusal(f"User {user.name!r} can reach neither {folder} nor /var/lib: set STOCKADE_HOME to a folder it can.")


def _settle_sockets(base: Path, known: str | None, user: ServerUser | None) -> str | None:
    usual = base / "socket"
    if _PLAIN_PATH.fullmatch(str(usual)) and _fits(usual):
        make_folder(usual, user)
        return None
    if known is not None and _is_private(Path(known), user):
        return known
    parents = ("/run", "/tmp") if os.geteuid() == 0 else (os.environ.get("XDG_RUNTIME_DIR"), "/tmp")  # noqa: S108
    for parent in filter(None, parents):
        try:
            # A name that cannot be foreseen, and a mode that nobody else passes: otherwise another local user could
            # make the folder first, listen there, and be sent what was meant for the database.
            made = Path(tempfile.mkdtemp(prefix="stockade-", dir=parent))
        except OSError:
            continue
        if _fits(made):
            make_folder(made, user)
            return str(made)
        made.rmdir()
    raise Refusal(f"There is no short enough path for the database's socket: set STOCKADE_HOME shorter than {base}.")


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) + _SOCKET_NAME_BYTES <= SOCKET_PATH_LIMIT_BYTES


def _is_private(folder: Path, user: ServerUser | None) -> bool:
    """Whether a recorded folder under /tmp or /run is still there and still ours (a reboot empties them)."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    owner = os.geteuid() if user is None else user.uid
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o077


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
