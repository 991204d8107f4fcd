"""PgQueuer's tables, in a schema of their own. They hold names of work and ids, never a tenant's data."""

from pgqueuer.adapters.persistence import schema_ddl
from pgqueuer.domain.settings import DBSettings

from stockade.database.roles import Role

SETTINGS = DBSettings(db_schema="jobs")


def install_statements() -> list[str]:
    """Return the statements that make the queue: PgQueuer's own, then who may do what with it."""
    worker, application = Role.WORKER.login, Role.APPLICATION.login
    return [
        schema_ddl.render_install(SETTINGS, create_schema=False),
        "revoke all on all functions in schema jobs from public",
        f"grant usage on schema jobs to {worker}, {application}",
        f"grant select, insert, update, delete on all tables in schema jobs to {worker}",
        f"grant usage on all sequences in schema jobs to {worker}, {application}",
        # A request may put work into the queue; what others put there it can neither read nor change.
        f"grant insert on jobs.pgqueuer, jobs.pgqueuer_log to {application}",
        f"grant select (id) on jobs.pgqueuer to {application}",
    ]
