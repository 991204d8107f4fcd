"""The controls of the trail: nobody who works inside a tenant can alter it, and what is changed is in it."""

from datetime import timedelta

from stockade.kernel.control import Finding, Installation, control, finding
from stockade.tenancy.attacks import trial

_OFTEN = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_STANDARDS = ("ISO 27001 A.8.15", "SOC 2 CC7.2", "OWASP ASVS 5.0 V16.4")
_TABLES = """
select c.oid::regclass::text from pg_catalog.pg_class c
where c.oid = 'audit.entry'::regclass or exists (
    select from pg_catalog.pg_inherits i where i.inhrelid = c.oid and i.inhparent = 'audit.entry'::regclass
)
"""
_ALTERATIONS = (
    "update {0} set action = 'nothing'",
    "delete from {0}",
    "truncate {0}",
    "insert into {0} select (jsonb_populate_record(e, jsonb_build_object('id', uuidv7()))).* "
    "from audit.entry as e limit 1",
    "alter table {0} disable trigger all",
    "alter table {0} disable row level security",
    "drop table {0}",
)
_AUDITED = """
select t.tgrelid::regclass::text, count(*) filter (where t.tgenabled = 'O') from pg_catalog.pg_trigger t
where t.tgfoid = 'audit.record()'::regprocedure group by 1
"""


@control(
    id="audit.trail-cannot-be-altered", claims=("F1",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="No role that works inside a tenant can insert into the audit trail directly, change, delete or "
    "truncate it, or silence its triggers.",
)  # fmt: skip
async def trail_cannot_be_altered(installation: Installation) -> Finding:
    """Try to alter the trail and each of its partitions, as the application and as the worker."""
    tried, wrong = 0, []
    for name, database in (("application", installation.application), ("worker", installation.worker)):
        async with trial(database, installation.probes[0]) as one:
            tables = [row[0] for row in await one.tx.fetch(_TABLES)]
            ways = [way.format(table) for table in tables for way in _ALTERATIONS]
            ways += ["set session_replication_role = replica", "alter table catalog.product disable trigger all"]
            for sql in ways:
                tried += 1
                if (await one.attempt(sql)).state is None:
                    wrong.append(f"the {name}'s role may: {sql}")
    return finding(tried, "attempts to alter the trail", wrong)


@control(
    id="audit.changes-leave-entries", claims=("F1",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="A change leaves an entry in the trail in its own transaction, with who made it and both values, "
    "on every audited table.",
)  # fmt: skip
async def changes_leave_entries(installation: Installation) -> Finding:
    """Change a row and read its entry, then undo both; and see that every trail trigger is on."""
    probe = installation.probes[0]
    async with trial(installation.application, probe) as one:
        triggers = await one.tx.fetch(_AUDITED)
        before = await one.tx.fetchrow("select count(*) from audit.entry")
        await one.tx.execute("update catalog.product set name = name || '.' where tenant_id = $1", probe.tenant_id)
        entries = await one.tx.fetch(
            "select actor_id, before ->> 'name', after ->> 'name' from audit.entry where subject = 'catalog.product' "
            "and action = 'update' and transaction_id = pg_current_xact_id()::text::bigint and tenant_id = $1",
            probe.tenant_id,
        )
    wrong = [f"{name}: only {enabled} of its three triggers are on" for name, enabled in triggers if enabled != 3]
    if not before or not before[0]:
        wrong.append("the probe tenant has no entry at all")
    if not entries:
        wrong.append("a change of a product left no entry")
    wrong += [
        "an entry names another actor than the one who acted" for row in entries if row[0] != probe.principal.actor_id
    ]
    wrong += ["an entry does not hold the change" for row in entries if row[2] != f"{row[1]}."]
    return finding(len(triggers), "audited tables, and a change in one", wrong)
