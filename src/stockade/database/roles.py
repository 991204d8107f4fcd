"""Roles: who connects, and who owns. Nobody is superuser, nobody who logs in owns a table, and only the backup's role
passes the policies.

Logins: application (requests), gate (sign-in, before a tenant is known), worker (jobs), platform (tenants and
operators), migration (changes the schema), backup (reads everything, changes nothing). Owners that cannot log in:
owner (tables), keeper (pin keys and the function that verifies pins), auditor (writes the trail), doorkeeper (finds a
person before a tenant is known).
"""

from enum import StrEnum

from stockade.kernel.secrets import Keyring


class Role(StrEnum):
    """The roles that log in; ``login`` is the name in PostgreSQL."""

    APPLICATION = "application"
    GATE = "gate"
    WORKER = "worker"
    PLATFORM = "platform"
    MIGRATION = "migration"
    BACKUP = "backup"

    @property
    def login(self) -> str:
        """The name of the role in PostgreSQL."""
        return f"stockade_{self.value}"


OWNER = "stockade_owner"
KEEPER = "stockade_keeper"
AUDITOR = "stockade_auditor"
DOORKEEPER = "stockade_doorkeeper"
OWNERS = (OWNER, KEEPER, AUDITOR, DOORKEEPER)
TENANT_ROLES = (Role.APPLICATION.login, Role.WORKER.login)
"""The roles that work inside a pinned tenant."""

_LIMITS = {
    Role.GATE: {"statement_timeout": "5s", "idle_in_transaction_session_timeout": "5s"},
    Role.APPLICATION: {"statement_timeout": "15s", "idle_in_transaction_session_timeout": "15s", "lock_timeout": "10s"},
    Role.WORKER: {"idle_in_transaction_session_timeout": "5min"},
}
_SETTINGS = {"search_path": "pg_catalog, pg_temp", "timezone": "UTC", "log_parameter_max_length_on_error": "0"}
"""pg_temp comes last, so that a temporary table cannot shadow a real one (and TEMP is revoked besides)."""


def settings_of(role: Role) -> dict[str, str]:
    """Return the settings that a role's sessions begin with."""
    own = _SETTINGS | _LIMITS.get(role, {})
    return own | {"default_transaction_read_only": "on"} if role is Role.BACKUP else own


def password_of(role: Role, keyring: Keyring) -> str:
    """Return a role's password, derived from the database secret."""
    return keyring.derive("database", f"role {role.value}").hex()


def role_statements(keyring: Keyring) -> list[str]:
    """Return the statements that make the roles, or bring them back to what they must be; idempotent."""
    made = [_create(name, "nologin") for name in OWNERS]
    for role in Role:
        made.append(_create(role.login, f"login password '{password_of(role, keyring)}'"))
        # A role may always change its own password and settings: SQL injected into it could lock everybody out, or move
        # all tenants to another time zone. So both are put back at every start (in one message, so that no session
        # begins without them), and a control watches the settings.
        settings = [
            f"alter role {role.login} set {name} = {_literal(value)}" for name, value in settings_of(role).items()
        ]
        made.append("; ".join([f"alter role {role.login} reset all", *settings]))
    made.append(f"alter role {Role.BACKUP.login} bypassrls")
    made += [f"grant {name} to {Role.MIGRATION.login} with inherit false, set true" for name in OWNERS]
    # Only a member may hand an object over: the tables' owner makes the functions of the others. Nobody logs in as it.
    made += [f"grant {name} to {OWNER} with inherit false, set true" for name in OWNERS if name != OWNER]
    return made


def database_statements(database: str) -> list[str]:
    """Return the statements that take from PUBLIC what nobody needs, in the database they are run in."""
    quoted = '"' + database.replace('"', '""') + '"'
    logins = ", ".join(role.login for role in Role)
    return [
        f"revoke all on database {quoted} from public",
        f"grant connect on database {quoted} to {logins}",
        f"grant create on database {quoted} to {OWNER}",
        *(f"alter role {role.login} in database {quoted} reset all" for role in Role),
        "revoke all on schema public from public",
    ]


SUPERUSER_STATEMENTS = (
    # Large objects have no policies; advisory locks and backend statistics are channels between tenants; a session that
    # is ended by another tenant's request, or whose prepared statements that one can name and replace, is no wall.
    "do $$ declare f regprocedure; begin for f in select oid::regprocedure from pg_proc where pronamespace = "
    "'pg_catalog'::regnamespace and (proname ~ '^(lo_|lowrite|loread)' or proname ~ '^pg_(try_)?advisory' "
    "or proname in ('pg_stat_get_activity', 'pg_stat_get_backend_activity', 'pg_logical_emit_message', "
    "'pg_export_snapshot', 'pg_terminate_backend', 'pg_cancel_backend', 'pg_prepared_statement')) "
    "loop execute format('revoke execute on function %s from public', f); end loop; end $$",
)
"""What only a superuser may revoke. The embedded server gets it; ``stockade doctor`` asks for it elsewhere."""


def _create(name: str, attributes: str) -> str:
    # A new role has no other attribute, and only a superuser may even repeat "nosuperuser": the control checks it.
    return (
        f"do $$ begin if not exists (select from pg_roles where rolname = '{name}') "
        f"then create role {name}; end if; end $$;"
        f"alter role {name} with {attributes} noinherit"
    )


def _literal(value: str) -> str:
    return value if value.startswith("pg_catalog") else "'" + value.replace("'", "''") + "'"
