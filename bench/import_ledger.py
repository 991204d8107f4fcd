"""The import's rate and memory: a ledger into a fresh tenant of a durable embedded server, every control on.

    python bench/import_ledger.py [FILE] [--connections N]

Prints one JSON object: lines, seconds (reading, documents, rows and the verification by SQL; provisioning is not
counted), lines per second, peak resident memory of the importing process (PostgreSQL's is its own), bars, machine.
"""

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import uvloop

import stockade.apps.schema  # noqa: F401  # every table, declared
from stockade.commerce.ledger import load_mapping, open_ledger
from stockade.commerce.ledger.loading import load
from stockade.database.embedded import SUPERUSER, ServerProcess, running
from stockade.database.provision import DATABASE, dsn_for, ensure_database, provision
from stockade.database.roles import Role
from stockade.kernel.secrets import Keyring
from stockade.tenancy.pin import Signer
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import create_tenant
from stockade.tenancy.transaction import Database, open_pool

LEDGER = Path(__file__).parents[1].parent / "shared/data/online_retail_2009_2011.parquet"
BAR_LINES_PER_SECOND = 10_000
BAR_MEGABYTES = 500


async def measure(server: ServerProcess, home: Path, file: Path, connections: int) -> dict[str, object]:
    """Provision, import once, and return the figures."""
    keyring = Keyring(home, production=False, environ={})
    signer = Signer.of(keyring.secret("pin"))

    def admin(database: str) -> str:
        return server.cluster.dsn(user=SUPERUSER, password=server.cluster.superuser_password(), database=database)

    async def connect(role: Role, size: int) -> Database:
        return Database({"main": await open_pool(dsn_for(admin(DATABASE), role, keyring), signer, size=size)})

    await ensure_database(admin("postgres"))
    await provision(admin(DATABASE), keyring, pads=(signer.key_id, *signer.pads))
    platform_ = await connect(Role.PLATFORM, 1)
    tenant_id = await create_tenant(platform_, slug="bench", name="Bench")
    application = await connect(Role.APPLICATION, connections + 1)
    try:
        began, cpu_began = time.perf_counter(), time.process_time()
        with open_ledger(file, load_mapping("online-retail")) as ledger:
            read = time.perf_counter()
            await load(application, Principal.system(tenant_id), ledger, connections=connections)
            lines, rejected = ledger.account.lines, len(ledger.account.rejects())
        ended, cpu_ended = time.perf_counter(), time.process_time()
    finally:
        await application.close()
        await platform_.close()
    return {
        "measure": "import_ledger",
        "lines": lines,
        "rejected": rejected,
        "seconds": round(ended - began, 1),
        "reading_seconds": round(read - began, 1),
        "importer_cpu_seconds": round(cpu_ended - cpu_began, 1),
        "lines_per_second": round(lines / (ended - began)),
        "lines_per_second_bar": BAR_LINES_PER_SECOND,
        "peak_rss_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_rss_megabytes_bar": BAR_MEGABYTES,
        "connections": connections,
        "load_average": round(os.getloadavg()[0], 1),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Measure the ledger import.")
    parser.add_argument("file", type=Path, nargs="?", default=LEDGER)
    parser.add_argument("--connections", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stockade bench ") as folder:
        home = Path(folder)
        home.chmod(0o711)  # the server's user has to pass through
        with running(home) as server:
            figures = uvloop.run(measure(server, home, arguments.file, arguments.connections))
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(figures)).decode() + "\n")


if __name__ == "__main__":
    main()
