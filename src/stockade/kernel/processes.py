"""Child processes that never outlive us, and that a terminal's Ctrl-C reaches through us only.

A child is started through this very file, run as a script: it drops privileges, asks the kernel for a signal at its
parent's death, and then becomes the program (same process id). Doing that between fork and exec (``preexec_fn``)
would be shorter, but can deadlock once the parent has threads. The order matters: the kernel forgets the request
whenever a process changes its user, so it comes last (prctl(2), PR_SET_PDEATHSIG).

Outside Linux there is no such request; children are then ended by ``end`` alone.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
CANNOT_RUN = 127
"""The exit code of a child whose program could not be run, as in a shell."""

Stream = int | IO[bytes] | None
"""What ``subprocess`` takes for a standard stream."""


def spawn(
    argv: Sequence[str | Path],
    *,
    user: str | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = None,
    stderr: Stream = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; it gets ``death_signal`` when this process dies, however it dies.

    ``user`` (a name or uid, for root only) is what it runs as, without supplementary groups. ``env`` replaces the
    environment. SIGINT and SIGTERM are neither blocked nor ignored in it. A program that cannot be run ends with
    ``CANNOT_RUN``. Call it from the main thread: what the kernel watches is the *thread* that started the child,
    so a pool's thread would take the child along when it retires (``RuntimeError``).
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("spawn() belongs to the main thread, since a child dies with the thread that started it.")
    identity = "-" if user is None else "{0.pw_uid}:{0.pw_gid}".format(_account(user))
    shim = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal)), identity]
    return subprocess.Popen(
        [*shim, *map(str, argv)],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def end(
    process: subprocess.Popen[bytes], *, signal: signal.Signals = signal.SIGTERM, grace_seconds: float = 10.0
) -> int:
    """Ask a spawned process to end, wait, kill its whole group after the grace; return its exit code.

    Ending one that has ended already does nothing.
    """
    process.send_signal(signal)
    try:
        return process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        _kill_group(process.pid)
        return process.wait()


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _account(user: str | int) -> pwd.struct_passwd:
    return pwd.getpwuid(user) if isinstance(user, int) else pwd.getpwnam(user)


def _become(parent: int, death_signal: int, identity: str, argv: list[str]) -> None:
    """Turn this process into the program: drop privileges, tie it to its parent, exec."""
    if identity != "-":
        uid, gid = map(int, identity.split(":"))
        if os.geteuid() == 0:
            os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        if os.getppid() != parent:  # It died before we asked, so nobody would tell us.
            sys.exit(CANNOT_RUN)
    # What the parent ignores or blocks would be inherited across exec, and the child could not be ended politely.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - no shell on purpose: nothing in argv is interpreted
    except OSError as error:
        # This child is not the program yet and has no log: its stderr is all that it can say it by.
        print(f"{argv[0]} cannot be run: {error.strerror}", file=sys.stderr)  # noqa: T201 - see above
        sys.exit(CANNOT_RUN)


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
