"""An import that is stopped goes on, one that is finished changes nothing."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from stockade.commerce.ledger import load_mapping, open_ledger, opening
from stockade.commerce.ledger.loading import load, run
from stockade.database.roles import Role
from stockade.kernel.problems import Refusal

from .conftest import line, write_parquet
from .loading import books, bring_in

ROOT = Path(__file__).parents[3]
IMPORTER = """
import asyncio, os, signal, sys
from pathlib import Path
from uuid import UUID
import stockade.apps.schema
from stockade.commerce.ledger import load_mapping, open_ledger, opening
from stockade.commerce.ledger.loading import load
from stockade.tenancy.pin import Signer
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, open_pool

opening.BATCH_LINES = 30
dsn, secret, tenant, file, batches = sys.argv[1:]
heard = []

def die_after_some(done, total):
    heard.append(done)
    if len(heard) == int(batches):
        os.kill(os.getpid(), signal.SIGKILL)  # other batches are under way at this moment

async def main():
    pool = await open_pool(dsn, Signer.of(bytes.fromhex(secret)), size=3)
    with open_ledger(Path(file), load_mapping("online-retail")) as ledger:
        await load(Database({"main": pool}), Principal.system(UUID(tenant)), ledger, progress=die_after_some)
asyncio.run(main())
"""


def some_lines(count: int) -> list[tuple[Any, ...]]:
    """Return a ledger of some hundred documents of every kind, over two years."""
    lines = []
    for n in range(count):
        at = f"{2010 + n // 300}-{1 + n // 90 % 12:02}-{1 + n % 28:02} 09:30:00"
        number, code = str(500_000 + n // 4), f"{20_000 + n % 97}"
        lines.append(line(number, code, 1 + n % 7, 0.85 + n % 5, 13_000 + n // 40, at=at))
        if n % 50 == 0:
            lines.append(line(f"C{number}", code, -1, 0.85, 13_000 + n // 40, at=at))
            lines.append(line(f"{number}9", code, -2, 0.0, None, "damaged", at=at))
    return lines


@pytest.fixture
def ledger_file(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "BATCH_LINES", 30)
    return write_parquet(tmp_path / "ledger.parquet", some_lines(600))


async def test_an_import_killed_at_any_moment_goes_on_and_ends_as_if_it_had_not_been(
    server, database_name, database, make_tenant, ledger_file
):
    killed, whole = await make_tenant(), await make_tenant()
    dsn, secret = server.dsn(Role.APPLICATION, database_name), server.signer.secret.hex()
    for heard in (1, 4, 9):
        arguments = [dsn, secret, str(killed.id), str(ledger_file), str(heard)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", IMPORTER, *arguments, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}
        )
        assert await process.wait() == -signal.SIGKILL
        [(state, done, _)] = (await books(database, killed))["runs"]
        assert state == "running"
        assert heard <= done < heard + 4
    loaded = await bring_in(database, killed, ledger_file)
    assert 0 < loaded.batches_written < loaded.batches
    await bring_in(database, whole, ledger_file)
    assert await books(database, killed) == await books(database, whole)


async def test_a_finished_import_changes_nothing_and_gives_the_same_account(database, tenant, ledger_file):
    first = await bring_in(database, tenant, ledger_file)
    before = await books(database, tenant)
    second = await bring_in(database, tenant, ledger_file)
    assert second.batches_written == 0
    assert second.account.document() == first.account.document()
    assert await books(database, tenant) == before


async def test_a_batch_that_fails_leaves_the_batches_before_it_and_nothing_of_those_after(
    database, tenant, ledger_file, monkeypatch
):
    written = run.write_documents

    async def failing(tx, target, shaped):
        await written(tx, target, shaped)
        if shaped.index == 3:
            raise OSError("the line is dead")

    monkeypatch.setattr(run, "write_documents", failing)
    with pytest.raises(OSError, match="the line is dead"):
        await bring_in(database, tenant, ledger_file)
    found = await books(database, tenant)
    assert found["runs"][0][:2] == ("running", 3)
    monkeypatch.setattr(run, "write_documents", written)
    loaded = await bring_in(database, tenant, ledger_file)
    assert loaded.batches_written == loaded.batches - 3


async def test_one_connection_and_three_leave_the_same_books(database, make_tenant, ledger_file):
    one, three = await make_tenant(), await make_tenant()
    await bring_in(database, one, ledger_file, connections=1)
    await bring_in(database, three, ledger_file, connections=3)
    assert await books(database, one) == await books(database, three)


async def test_of_two_processes_importing_the_same_ledger_one_is_refused_and_the_books_are_right(
    database, make_tenant, ledger_file
):
    tenant, alone = await make_tenant(), await make_tenant()
    ends = await asyncio.gather(*(bring_in(database, tenant, ledger_file) for _ in range(2)), return_exceptions=True)
    refused = [end for end in ends if isinstance(end, BaseException)]
    assert all(isinstance(end, Refusal) for end in refused)
    await bring_in(database, tenant, ledger_file)
    await bring_in(database, alone, ledger_file)
    assert await books(database, tenant) == await books(database, alone)


async def test_progress_counts_up_to_every_line(database, tenant, ledger_file):
    heard = []
    with open_ledger(
        ledger_file, load_mapping("online-retail"), lambda done, total: heard.append((done, total))
    ) as ledger:
        assert heard[-1] == (624, 624)
        heard.clear()
        await load(database, tenant.principal, ledger, progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (624, 624)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
