"""The embedded PostgreSQL 18: made once, started by us alone, reachable by a unix socket and a password only.

    with running(home) as server:
        connect(server.cluster.dsn(user="postgres", password=server.cluster.superuser_password(), database="postgres"))

It survives ``kill -9`` of anything: the server is told by the kernel to shut down when its parent dies, an unfinished
``initdb`` leaves nothing behind, and ``start`` ends what an earlier life left running.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from urllib.parse import quote

from stockade.database.binaries import MAJOR_VERSION, server_program, tool
from stockade.database.configuration import server_settings
from stockade.database.location import Location, ServerUser, make_folder, read_location, server_user, settle
from stockade.database.lock import HomeLock, holder, is_locked
from stockade.kernel.files import disk_is_full, refusing_disk_errors, write_whole
from stockade.kernel.problems import Refusal
from stockade.kernel.processes import end, spawn

__all__ = [
    "Cluster",
    "HomeLock",
    "ServerProcess",
    "holder",
    "is_locked",
    "locate",
    "prepare",
    "running",
    "start",
    "tool",
]

SUPERUSER = "postgres"
PORT = 5432
START_PATIENCE_SECONDS = 600.0
"""Replaying the log after a crash may take minutes; an ordinary start takes 0.1 s."""
STOP_GRACE_SECONDS = 60.0
_POLL_SECONDS = 0.01
_PLAIN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of ours is handed on: the server needs no secret, and a stray PGDATA or LD_PRELOAD would change it."""
_COMPLAINT = re.compile(r"(?:FATAL|PANIC|initdb: error): +(.+)")
_DISK_FULL = re.compile("No space left on device|Disk quota exceeded")


@dataclass(frozen=True)
class Cluster:
    """An embedded server's place, running or not."""

    home: Path
    """STOCKADE_HOME."""
    base: Path
    """Holds data, log and socket: ``home/postgres``, unless the server's user could not reach that."""
    socket_directory: Path

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; nothing else is in it, so a base backup of it starts anywhere."""
        return self.base / "data"

    @property
    def log_directory(self) -> Path:
        """One log a weekday."""
        return self.base / "log"

    @property
    def start_log(self) -> Path:
        """What the last ``initdb`` or start said before the log proper began."""
        return self.base / "start.log"

    @property
    def password_file(self) -> Path:
        """The superuser's password, readable by us alone."""
        return self.home / "postgres" / "superuser-password"

    def superuser_password(self) -> str:
        """Return the password of ``SUPERUSER``; only migrations and backups of roles have a use for it."""
        try:
            return self.password_file.read_text().strip()
        except OSError as error:
            raise Refusal(f"{self.password_file} cannot be read: {error.strerror}; restore it from a backup.") from None

    def dsn(self, *, user: str, password: str, database: str) -> str:
        """Return a connection string for asyncpg, psql and everything else that speaks libpq's."""
        credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
        place = f"host={quote(str(self.socket_directory), safe='')}&port={PORT}"
        return f"postgresql://{credentials}@/{quote(database, safe='')}?{place}"


@dataclass
class ServerProcess:
    """A running server: alive as long as this process is, or until ``stop``."""

    cluster: Cluster
    process: subprocess.Popen[bytes]
    lock: HomeLock

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self.process.pid

    def is_running(self) -> bool:
        """Return whether the postmaster still lives."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Shut down fast (sessions are ended, everything is written) and wait; doing it again does nothing."""
        _stop(self.process)
        self.lock.release()


def locate(home: Path) -> Cluster:
    """Return the cluster that ``prepare`` made, changing nothing; ``Refusal`` if there is none."""
    location = read_location(home / "postgres")
    if location is None:
        raise Refusal(f"There is no database in {home} yet: run 'stockade serve' once, or set STOCKADE_HOME.")
    return _cluster(home, location)


def prepare(home: Path, *, durable: bool = True) -> Cluster:
    """Make the cluster if there is none, and write its settings; idempotent. Call it while holding ``HomeLock(home)``.

    ``durable=False`` is for tests: nothing is flushed to the disk. ``Refusal`` on a full disk, a data folder of
    another PostgreSQL, damage, or a user who cannot get there.
    """
    home = home.absolute()
    with refusing_disk_errors(home):
        if not home.exists():
            make_folder(home, None, shared=True)
        location, user = settle(home / "postgres")
        cluster = _cluster(home, location)
        make_folder(cluster.log_directory, user)
        if cluster.data.exists():
            cluster.superuser_password()  # Refuse now rather than at the first connection.
        else:
            _initialise(cluster, user, durable=durable)
        _check_version(cluster)
        owner = None if user is None else (user.uid, user.gid)
        write_whole(cluster.data / "postgresql.conf", server_settings(durable=durable).encode(), owner=owner)
    return cluster


def start(cluster: Cluster, *, patience_seconds: float = START_PATIENCE_SECONDS) -> ServerProcess:
    """Start the server and wait until it takes connections; call it from the main thread.

    Leftovers of a life that ended by ``kill -9`` are ended and cleared first. ``Refusal`` if another process runs it
    or if it does not come up.
    """
    user = server_user(cluster.data)
    lock = HomeLock(cluster.base).acquire()
    process: subprocess.Popen[bytes] | None = None
    before = _log_sizes(cluster)
    try:
        with refusing_disk_errors(cluster.base):
            _clear_leftovers(cluster)
            process = _launch(cluster, user)
        if not _comes_up(cluster, process, patience_seconds):
            raise _explain(cluster, "PostgreSQL does not start", before)
    except BaseException:
        if process is not None:
            _stop(process)
        lock.release()
        raise
    return ServerProcess(cluster, process, lock)


@contextmanager
def running(home: Path, *, durable: bool = True) -> Iterator[ServerProcess]:
    """Hold the home, prepare its cluster, run it for the length of the block, and shut it down."""
    with HomeLock(home):
        server = start(prepare(home, durable=durable))
        try:
            yield server
        finally:
            server.stop()


def discard(cluster: Cluster) -> None:
    """Delete a stopped cluster with all its data, also what lies outside its home; ``Refusal`` while it runs."""
    with HomeLock(cluster.base):
        for folder in {cluster.socket_directory, cluster.base, cluster.home / "postgres"}:
            shutil.rmtree(folder, ignore_errors=True)


def _cluster(home: Path, location: Location) -> Cluster:
    base = Path(location.base) if location.base else home / "postgres"
    return Cluster(home, base, Path(location.sockets) if location.sockets else base / "socket")


def _initialise(cluster: Cluster, user: ServerUser | None, *, durable: bool) -> None:
    """Run ``initdb`` beside the final place and rename, so that one which is killed leaves nothing that looks done."""
    for leftover in cluster.base.glob("unfinished-*"):
        shutil.rmtree(leftover)
    if not cluster.password_file.exists():
        write_whole(cluster.password_file, f"{secrets.token_urlsafe(32)}\n".encode())
    unfinished = cluster.base / f"unfinished-{os.getpid()}"
    make_folder(unfinished, user)
    try:
        password = unfinished / "password"
        owner = None if user is None else (user.uid, user.gid)
        write_whole(password, cluster.password_file.read_bytes(), owner=owner)
        _run_initdb(cluster, user, unfinished / "data", password, durable=durable)
        (unfinished / "data").rename(cluster.data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _run_initdb(cluster: Cluster, user: ServerUser | None, data: Path, password: Path, *, durable: bool) -> None:
    argv: list[str | Path] = [
        server_program("initdb", user, cluster.base), f"--pgdata={data}", f"--username={SUPERUSER}",
        f"--pwfile={password}", "--auth-local=scram-sha-256", "--auth-host=reject", "--data-checksums",
        "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
        # pg_trgm asks the C library what a letter is, not the provider: under plain C it is blind to the letters of
        # "żółw", and finds nothing.
        "--lc-ctype=C.UTF-8", "--no-instructions", *([] if durable else ["--no-sync"]),
    ]  # fmt: skip
    with _open_start_log(cluster) as log:
        process = spawn(argv, user=_uid(user), env=_PLAIN_ENVIRONMENT, cwd="/", stdout=log, stderr=log)
        try:
            failed = process.wait() != 0
        finally:
            end(process)
    if failed:
        raise _explain(cluster, "PostgreSQL cannot make its data folder", {})


def _check_version(cluster: Cluster) -> None:
    try:
        version = (cluster.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise Refusal(f"{cluster.data} is damaged (it lacks PG_VERSION): restore it from a backup.") from None
    if version != str(MAJOR_VERSION):
        raise Refusal(
            f"The database in {cluster.data} was made by PostgreSQL {version}, and this is {MAJOR_VERSION}: "
            "move it with pg_dump and pg_restore, or set STOCKADE_HOME to another folder."
        )


def _launch(cluster: Cluster, user: ServerUser | None) -> subprocess.Popen[bytes]:
    argv: list[str | Path] = [
        server_program("postgres", user, cluster.base), "-D", cluster.data,
        "-c", f"unix_socket_directories={cluster.socket_directory}", "-c", f"log_directory={cluster.log_directory}",
    ]  # fmt: skip
    with _open_start_log(cluster) as log:
        return spawn(
            argv, user=_uid(user), env=_PLAIN_ENVIRONMENT, cwd="/", stdout=log, stderr=log, death_signal=signal.SIGINT
        )


def _open_start_log(cluster: Cluster) -> BufferedWriter:
    # It lies in our own folder, not in the server user's, who could otherwise plant a link for root to truncate.
    descriptor = os.open(cluster.start_log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(descriptor, "wb")


def _comes_up(cluster: Cluster, process: subprocess.Popen[bytes], patience_seconds: float) -> bool:
    """Wait until the server takes connections; return False when it ends instead."""
    deadline = time.monotonic() + patience_seconds
    while process.poll() is None:
        status = _postmaster_file(cluster)
        # Its last line is the postmaster's own word on its state (what pg_ctl waits for).
        if status and status[0] == str(process.pid) and status[-1].strip() == "ready":
            return True
        if time.monotonic() > deadline:
            raise Refusal(f"PostgreSQL is not ready after {patience_seconds:.0f} s: see {cluster.log_directory}.")
        time.sleep(_POLL_SECONDS)
    return False


def _postmaster_file(cluster: Cluster) -> list[str]:
    try:
        return (cluster.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        end(process, signal=signal.SIGQUIT, grace_seconds=5)


def _clear_leftovers(cluster: Cluster) -> None:
    """End the processes of an earlier life and remove its pid file; the caller holds the lock, so none is in use."""
    deadline = time.monotonic() + STOP_GRACE_SECONDS
    asked = False
    while left := _processes_in(cluster.data):
        postmaster = next(iter(_postmaster_file(cluster)), "")
        if time.monotonic() > deadline:
            _signal(left, signal.SIGKILL)
        elif not asked:
            leader = [pid for pid in left if str(pid) == postmaster]
            _signal(leader or left, signal.SIGINT if leader else signal.SIGQUIT)
            asked = True
        time.sleep(_POLL_SECONDS)
    if Path("/proc/self/cwd").exists():
        # In a container process ids repeat, and PostgreSQL would take a stranger that has the old one for its elder.
        (cluster.data / "postmaster.pid").unlink(missing_ok=True)


def _processes_in(data: Path) -> list[int]:
    """Return the PostgreSQL processes that work in a data folder (empty where there is no /proc)."""
    wanted = data.stat()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The owner is compared, too: whoever can write to the data folder must not choose what root kills.
            ours = (entry / "comm").read_text() == "postgres\n" and entry.stat().st_uid == wanted.st_uid
            if ours and os.path.samestat((entry / "cwd").stat(), wanted):
                found.append(int(entry.name))
        except OSError:  # It has just ended, or is somebody else's.
            continue
    return found


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _log_sizes(cluster: Cluster) -> dict[Path, int]:
    return {path: path.stat().st_size for path in cluster.log_directory.glob("*.log")}


def _explain(cluster: Cluster, what: str, before: dict[Path, int]) -> Refusal:
    """Return the reason that PostgreSQL gave, in one sentence; ``before`` holds the logs' lengths at the start."""
    deadline = time.monotonic() + 1.0
    while True:
        text = cluster.start_log.read_text(errors="replace")
        for path, size in _log_sizes(cluster).items():
            known = before.get(path, 0)
            text += path.read_bytes()[known if known <= size else 0 :].decode(errors="replace")
        if _DISK_FULL.search(text):
            return disk_is_full(cluster.base)
        if complaint := _COMPLAINT.search(text):
            return Refusal(f"{what}: {complaint[1]} (see {cluster.start_log} and {cluster.log_directory}).")
        # The log's collector writes on for a moment after the server has ended.
        if time.monotonic() > deadline:
            said = " ".join(cluster.start_log.read_text(errors="replace").split())[:300]
            return Refusal(f"{what}: {said or 'it gave no reason'} (see {cluster.start_log}).")
        time.sleep(_POLL_SECONDS)


def _uid(user: ServerUser | None) -> int | None:
    return None if user is None else user.uid
