"""From a declaration to SQL, and from a live catalogue back to the same words.

``build`` writes the statements that fence a table. ``expected_facts`` says in plain lines what the catalogue must then
hold; ``LIVE_FACTS`` reads those lines from a running database. Their difference is the drift, readable as it stands: a
missing line is a hole, an extra line is a door that nobody declared.
"""

import json
from collections.abc import Iterable, Iterator

from sqlalchemy import Table

from stockade.database.roles import TENANT_ROLES, Role
from stockade.tenancy.declaration import Wall, wall_of
from stockade.tenancy.limiting import together

PINNED = "(select tenancy.current_tenant())"
_AUDIT_TRIGGERS = (
    ("insert", "referencing new table as new_rows"),
    ("update", "referencing old table as old_rows new table as new_rows"),
    ("delete", "referencing old table as old_rows"),
)


def build(name: str, wall: Wall, keys: tuple[str, ...]) -> list[str]:
    """Return the statements that fence the table ``name`` (``schema.table``), whose primary key is ``keys``."""
    made = [f"revoke all on {name} from public", f"grant select on {name} to {Role.BACKUP.login}"]
    for role, privileges in grants_of(wall).items():
        made += [f"grant {privilege} on {name} to {role}" for privilege in privileges]
    if wall.scope == "tenant":
        # Restrictive, so that no second permissive policy can be ORed beside it; forced, so that it binds the owner
        # too.
        made += [
            f"alter table {name} enable row level security",
            f"alter table {name} force row level security",
            f"create policy wall on {name} as restrictive for all to public "
            f"using ({_condition(wall)}) with check ({_condition(wall)})",
            f"create policy inside on {name} as permissive for all to {', '.join(_insiders(wall))} "
            "using (true) with check (true)",
        ]
    if wall.limited:
        seen = together(wall.limited)
        made.append(
            f"create policy rows on {name} as restrictive for all to {', '.join(sorted(TENANT_ROLES))} "
            f"using ({seen}) with check ({seen})"
        )
    # A leakproof comparison is estimated from all tenants' values: EXPLAIN would tell whether another tenant has a
    # name, and where among the sorted values it lies. Without a sample there is nothing to tell.
    if wall.unsampled:
        silenced = ", ".join(f"alter column {column} set statistics 0" for column in wall.unsampled)
        made.append(f"alter table {name} {silenced}")
    if wall.audited:
        argument = json.dumps(audit_config(wall, keys), sort_keys=True).replace("'", "''")
        for event, transition in _AUDIT_TRIGGERS:
            made.append(
                f"create trigger audit_{event} after {event} on {name} {transition} "
                f"for each statement execute function audit.record('{argument}')"
            )
    return made


def grants_of(wall: Wall) -> dict[str, list[str]]:
    """Return each role's privileges on the table, as in ``update (name, state)``."""
    given = {role: " ".join(sorted(wall.grants)) for role in TENANT_ROLES} if wall.grants else {}
    given |= wall.also | wall.exempt
    return {role: [_privilege(item, wall) for item in sorted(privileges.split())] for role, privileges in given.items()}


def _privilege(privilege: str, wall: Wall) -> str:
    """An UPDATE reaches only columns that may change: never the tenant, the key or a fixed column."""
    return f"update ({', '.join(wall.updatable)})" if privilege == "update" else privilege


def _condition(wall: Wall) -> str:
    mine = f"{wall.tenant_column} = {PINNED}"
    outside = [role for role in wall.exempt if role not in TENANT_ROLES]
    return " or ".join([mine, *(f"current_user = '{role}'" for role in outside)])


def _insiders(wall: Wall) -> list[str]:
    return sorted(grants_of(wall))


def audit_config(wall: Wall, keys: tuple[str, ...]) -> dict[str, object]:
    """Return what the audit trigger has to know of the table."""
    config: dict[str, object] = {}
    if wall.masked:
        config["masked"] = list(wall.masked)
    if wall.events:
        config["events"] = wall.events
    if wall.insert_event:
        config["insert_event"] = wall.insert_event
    if wall.part_of:
        config |= {"part_of": wall.part_of, "keys": [key for key in keys if key != "tenant_id"]}
    if wall.document:
        config["document"] = True
    return config


def keys_of(table: Table) -> tuple[str, ...]:
    """Return the names of the primary key's columns."""
    return tuple(column.name for column in table.primary_key.columns)


def expected_facts(tables: Iterable[Table]) -> Iterator[tuple[str, str]]:
    """Yield (table, fact) for everything that the catalogue must hold about the declared tables."""
    for table in tables:
        for fact in _facts_of(wall_of(table), keys_of(table), {column.name for column in table.columns}):
            yield table.fullname, fact


def _facts_of(wall: Wall, keys: tuple[str, ...], columns: set[str]) -> Iterator[str]:
    yield f"grant SELECT to {Role.BACKUP.login}"
    for role, privileges in grants_of(wall).items():
        for privilege in privileges:
            verb, _, listed = privilege.partition(" ")
            if listed:
                yield from (
                    f"grant {verb.upper()} ({name}) to {role}"
                    for name in listed.strip("()").split(", ")
                    if name in columns
                )
            else:
                yield f"grant {verb.upper()} to {role}"
    if wall.scope == "tenant":
        yield "row security enabled"
        yield "row security forced"
        yield f"policy inside PERMISSIVE ALL to {','.join(_insiders(wall))}: true / true"
        yield f"policy wall RESTRICTIVE ALL to public: {_deparsed(wall)} / {_deparsed(wall)}"
    if wall.limited:
        seen = together(wall.limited)
        yield f"policy rows RESTRICTIVE ALL to {','.join(sorted(TENANT_ROLES))}: {seen} / {seen}"
    yield from (f"no sample of {name}" for name in wall.unsampled if name in columns)
    for trigger in wall.triggers:
        name, _, function = trigger.partition(" ")
        yield f"trigger {name} enabled {function} "
    if wall.audited:
        argument = json.dumps(audit_config(wall, keys), sort_keys=True)
        yield from (f"trigger audit_{event} enabled audit.record {argument}" for event, _ in _AUDIT_TRIGGERS)


def _deparsed(wall: Wall) -> str:
    """The policy's condition in the words of pg_get_expr."""
    mine = f"({wall.tenant_column} = ( SELECT tenancy.current_tenant() AS current_tenant))"
    outside = [role for role in wall.exempt if role not in TENANT_ROLES]
    if not outside:
        return mine
    return "(" + " OR ".join([mine, *(f"(CURRENT_USER = '{role}'::name)" for role in outside)]) + ")"


LIVE_FACTS = """
with tables as (
    select c.oid, c.relname, c.relacl, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, n.nspname,
        n.nspname || '.' || c.relname as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
        and n.nspname not like 'pg\\_temp%' and n.nspname not like 'pg\\_toast%'
)
select name, 'row security enabled' from tables where relrowsecurity
union all select name, 'row security forced' from tables where relforcerowsecurity
union all select name, 'partition' from tables where relispartition
union all select name, 'exists' from tables
union all
select t.name, format('policy %s %s %s to %s: %s / %s', p.polname,
    case when p.polpermissive then 'PERMISSIVE' else 'RESTRICTIVE' end,
    case p.polcmd when '*' then 'ALL' else p.polcmd::text end,
    (
        select string_agg(case when r = 0 then 'public' else pg_get_userbyid(r)::text end, ','
            order by pg_get_userbyid(r))
        from unnest(p.polroles) as r
    ),
    regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\\s+', ' ', 'g'),
    regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\\s+', ' ', 'g'))
from tables t join pg_catalog.pg_policy p on p.polrelid = t.oid
union all
select t.name, format('grant %s to %s', a.privilege_type,
    case when a.grantee = 0 then 'public' else pg_get_userbyid(a.grantee)::text end)
from tables t, aclexplode(t.relacl) a where a.grantee <> t.relowner
union all
select t.name, format('grant %s (%s) to %s', a.privilege_type, c.attname,
    case when a.grantee = 0 then 'public' else pg_get_userbyid(a.grantee)::text end)
from tables t join pg_catalog.pg_attribute c on c.attrelid = t.oid, aclexplode(c.attacl) a where a.grantee <> t.relowner
union all
select t.name, format('trigger %s %s %s %s', g.tgname,
    case g.tgenabled when 'O' then 'enabled' else 'not enabled' end, g.tgfoid::regproc,
    convert_from(trim(trailing '\\000'::bytea from g.tgargs), 'utf8'))
from tables t join pg_catalog.pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal
union all
select t.name, format('no sample of %s', a.attname)
from tables t join pg_catalog.pg_attribute a on a.attrelid = t.oid where a.attstattarget = 0
"""
"""Rows (table, fact) for every relation outside PostgreSQL's own schemas."""
