"""The worker: schedules and jobs, with PgQueuer inside PostgreSQL.

A schedule is declared once here; what it does is a verb of its slice. Several workers may run: a schedule's turn is
taken by one of them.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import msgspec
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule

from stockade.access.rights import permissions_of
from stockade.apps.installation import Installation
from stockade.apps.live import checked
from stockade.commerce.desk import bulk
from stockade.commerce.imports import jobs as imports
from stockade.commerce.invoicing.mailing import ATTACH
from stockade.commerce.orders.jobs import expire_reservations_everywhere
from stockade.database.roles import Role
from stockade.idempotency.service import forget_old_keys
from stockade.identity.mailed import answering, asking
from stockade.identity.reviews.running import review_everywhere
from stockade.identity.sso.following import Follower
from stockade.identity.sso.reaching import Reach
from stockade.jobs.queue import Work, queries
from stockade.kernel.clock import now
from stockade.kernel.logging import configure_logging, logger
from stockade.mail.delivering import Courier
from stockade.mail.relay import relay_of
from stockade.mail.sending import DELIVER
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import list_tenants
from stockade.trust.runner import run_due

Task = Callable[[], Awaitable[None]]
LOOK_EVERY = timedelta(seconds=2)
"""How long a job waits at most when its notification was lost."""
DEAD_AFTER = timedelta(seconds=30)
"""A job whose worker gave no sign of life for so long is taken up by another one."""
Job = Callable[[Work], Awaitable[None]]
PARTITION_MONTHS_AHEAD = 12


async def run_worker(installation: Installation) -> None:
    """Run schedules and jobs until SIGTERM or SIGINT."""
    async with (
        installation.connect(Role.WORKER, size=8) as worker,
        installation.connect(Role.PLATFORM, size=1) as platform,
        checked(installation) as live,
    ):

        async def run_controls() -> None:
            await run_due(live)

        async def expire() -> None:
            await expire_reservations_everywhere(worker, [tenant.id for tenant in await list_tenants(platform)])

        async def forget_keys() -> None:
            for tenant in await list_tenants(platform):
                async with worker.transaction(Principal.system(tenant.id, kind=ActorKind.JOB)) as tx:
                    await forget_old_keys(tx, now())

        courier = Courier(worker, relay_of(installation.settings), ATTACH)

        async def deliver_due() -> None:
            await courier.deliver_due([tenant.id for tenant in await list_tenants(platform)])

        async def deliver(work: Work) -> None:
            await courier.deliver(work.tenant_id, work.ids["message"])

        async def answer_letter(work: Work) -> None:
            await answering.answer(worker, installation.settings.origin, work.ids["request"])

        async def answer_letters_left() -> None:
            await answering.answer_left(worker, installation.settings.origin)

        async def make_partitions() -> None:
            async with worker.main().acquire() as connection:
                await connection.execute("select audit.ensure_partitions($1)", PARTITION_MONTHS_AHEAD)

        async def go_on_importing() -> None:
            await imports.go_on_everywhere(worker, [tenant.id for tenant in await list_tenants(platform)])

        async def forget_imports() -> None:
            await imports.forget_everywhere(worker, [tenant.id for tenant in await list_tenants(platform)])

        async def review_access() -> None:
            reviewed = [
                item.id for item in await list_tenants(platform) if item.state == "active" and not item.is_probe
            ]
            await review_everywhere(worker, reviewed, permissions_of, now())

        follower = Follower(worker, installation.sealer, Reach.of(installation.settings))

        async def follow_directories() -> None:
            active = [tenant.id for tenant in await list_tenants(platform) if tenant.state == "active"]
            await follower.follow_everywhere(active)

        tasks: dict[str, tuple[str, Task]] = {
            "trust_run_due": ("* * * * *", run_controls),
            "stock_expire_reservations": ("* * * * *", expire),
            "idempotency_forget_keys": ("41 * * * *", forget_keys),
            "audit_make_partitions": ("17 3 * * *", make_partitions),
            "imports_go_on": ("* * * * *", go_on_importing),
            "imports_forget": ("29 3 * * *", forget_imports),
            "mail_deliver_due": ("* * * * *", deliver_due),
            "identity_answer_letters_left": ("* * * * *", answer_letters_left),
            "access_review": ("*/15 * * * *", review_access),
            "identity_follow_directories": ("*/10 * * * *", follow_directories),
        }
        jobs: dict[str, Job] = {
            DELIVER: deliver, bulk.JOB: partial(bulk.run_bulk, worker),
            imports.ENTRYPOINT: partial(imports.work, worker), asking.JOB: answer_letter,
        }  # fmt: skip
        await _run_queue(installation.dsn(Role.WORKER), tasks, jobs)


async def _run_queue(dsn: str, tasks: dict[str, tuple[str, Task]], jobs: dict[str, Job]) -> None:
    """Hand the tasks and jobs to PgQueuer, and stop it when a signal comes."""
    connection = await asyncpg.connect(dsn)
    try:
        driver = AsyncpgDriver(connection)
        queuer = PgQueuer(driver, queries=queries(driver))
        for name, (expression, task) in tasks.items():
            _schedule(queuer, name, expression, task)
        for name, job in jobs.items():
            _entrypoint(queuer, name, job)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, queuer.shutdown.set)
        await queuer.run(dequeue_timeout=LOOK_EVERY, heartbeat_timeout=DEAD_AFTER)
    finally:
        await connection.close()


def _schedule(queuer: PgQueuer, name: str, expression: str, task: Task) -> None:
    @queuer.schedule(name, expression)
    async def run(_schedule: Schedule) -> None:
        started = datetime.now(UTC)
        try:
            await task()
        except Exception as error:  # noqa: BLE001  # a task that fails is told, and runs again at its next turn
            logger.error("task failed", task=name, error=type(error).__name__)
        else:
            logger.info("task done", task=name, seconds=round((datetime.now(UTC) - started).total_seconds(), 3))


def _entrypoint(queuer: PgQueuer, name: str, job: Job) -> None:
    """Declare a job. One whose worker died is taken up by the next worker: what it does must bear to be begun again."""

    @queuer.entrypoint(name)
    async def run(queued: QueuedJob) -> None:
        started = datetime.now(UTC)
        try:
            await job(msgspec.json.decode(queued.payload or b"", type=Work))
        except Exception as error:  # noqa: BLE001  # the next job must not wait for the repair of this one
            logger.error("job failed", job=name, error=type(error).__name__)
        else:
            logger.info("job done", job=name, seconds=round((datetime.now(UTC) - started).total_seconds(), 3))


def main() -> None:
    """Run as a process of its own."""
    configure_logging()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_worker(Installation()))


if __name__ == "__main__":
    main()
