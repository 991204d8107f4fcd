"""The same application with its controls off, to compare with: it lives here, and nothing in the product leads to it.

The product's own routes and verbs run on Litestar and granian with TLS, as ever. What is absent: the edge (headers,
limits, log, metrics), admission (credentials, permissions, limits), the pin, the policies and the audit trail. Who asks
is believed (``x-tenant``), and the database is a clone without policies and audit triggers (``strip``).
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from granian import Granian
from granian.constants import Interfaces, Loops, SSLProtocols
from granian.log import LogLevels
from litestar import Litestar, Router, get

from stockade.commerce.orders import api as orders_api
from stockade.database.roles import Role, settings_of
from stockade.tenancy.pin import Signer
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Transaction, open_pool
from stockade.web.certificates import ensure_local_certificate

LOGIN = "bench_off"
PASSWORD = "off"  # of a login in the bench's own server, which is gone afterwards
STRIP = """
do $$ declare t record; begin
    for t in select c.oid::regclass as name from pg_class c where c.relrowsecurity and c.relkind in ('r', 'p')
    loop execute format('alter table %s disable row level security, no force row level security', t.name); end loop;
    for t in select tgname, tgrelid::regclass as name from pg_trigger where tgname like 'audit\\_%' and not tgisinternal
    loop execute format('drop trigger %I on %s', t.tgname, t.name); end loop;
end $$
"""


class PlainDatabase:
    """Opens transactions that only begin and commit."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    def transaction(self, principal: Principal) -> "_Plain":
        """Open one."""
        return _Plain(self.pool, principal)


class _Plain:
    __slots__ = ("_connection", "_pool", "_principal")

    def __init__(self, pool: Any, principal: Principal) -> None:
        self._pool = pool
        self._principal = principal

    async def __aenter__(self) -> Transaction:
        self._connection = await self._pool.acquire()
        await self._connection.execute("begin")
        return Transaction(self._connection, self._principal)

    async def __aexit__(self, kind: Any, *error: Any) -> None:
        await self._connection.execute("rollback" if kind else "commit")
        await self._pool.release(self._connection)


def believe(app: Any) -> Any:
    """Let everybody be the owner of the tenant that they name."""
    known: dict[bytes, Principal] = {}

    async def admit(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            tenant = next((value for name, value in scope["headers"] if name == b"x-tenant"), b"")
            if tenant not in known and tenant:
                known[tenant] = Principal.system(UUID(tenant.decode()))
            scope["state"]["principal"] = known.get(tenant)
        await app(scope, receive, send)

    return admit


@get("/readyz", sync_to_thread=False)
def ready() -> str:
    """Say that it runs."""
    return "ready"


def application() -> Litestar:
    """Make the application (granian's factory)."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        pool = await open_pool(os.environ["BENCH_DSN"], Signer.of(bytes(32)))
        app.state.update(database=PlainDatabase(pool.connections), admission=None, observe_transaction=None)
        yield
        await pool.close()

    routes: list[Any] = [ready, Router("/api/v1", route_handlers=list(orders_api.ROUTES))]
    return Litestar(
        route_handlers=routes, middleware=[believe], lifespan=[lifespan], openapi_config=None, logging_config=None
    )


async def strip(dsn: str) -> None:
    """Take the policies and the audit triggers out of a clone, and make a login that passes everything."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(STRIP)
        await connection.execute(f"create role {LOGIN} login superuser password '{PASSWORD}'")
        for name, value in settings_of(Role.APPLICATION).items():
            shown = value if value.startswith("pg_catalog") else f"'{value}'"
            await connection.execute(f"alter role {LOGIN} set {name} = {shown}")
    finally:
        await connection.close()


def main() -> None:
    """Serve until SIGTERM."""
    certificate = ensure_local_certificate(Path(os.environ["STOCKADE_HOME"]) / "certificates", ["localhost"])
    Granian(
        "bench.off:application", factory=True, address="127.0.0.1", port=int(os.environ["STOCKADE_PORT"]),
        interface=Interfaces.ASGI, workers=1, loop=Loops.uvloop, ssl_cert=certificate.certificate,
        ssl_key=certificate.key, log_access=False, log_level=LogLevels.warning, websockets=False,
        ssl_protocol_min=SSLProtocols.tls13,
    ).serve()  # fmt: skip


if __name__ == "__main__":
    main()
