"""Drift: where the live catalogue and the declaration disagree.

No line of drift means that the wall stands as declared.
"""

from collections.abc import Iterable

from stockade.tenancy.declaration import declared_tables
from stockade.tenancy.wall import expected_facts

UNDECLARED = {
    "tenancy.pin_key": "HMAC pads; only the keeper reads it, and it holds no tenant's data",
    "tenancy.schema_version": "Alembic's own bookkeeping",
}
"""Tables that exist without a declaration, and why they may; nobody but their owner holds a privilege on them."""
UNDECLARED_SCHEMAS = {"jobs": "PgQueuer's own tables: ids of work to do, no tenant's data, no grant beyond the queue's"}


def drift(live: Iterable[tuple[str, str]]) -> list[str]:
    """Compare ``LIVE_FACTS`` with the declaration; return one line for each difference, sorted."""
    facts = set(live)
    exists = {name for name, fact in facts if fact == "exists"}
    partitions = {name for name, fact in facts if fact == "partition"}
    declared = {table.fullname for table in declared_tables()}
    expected = {item for item in expected_facts(declared_tables()) if item[0] in exists}
    actual = {item for item in facts if item[0] in declared and item[1] != "exists"}
    lines = [f"{name}: missing: {fact}" for name, fact in expected - actual]
    lines += [f"{name}: not declared: {fact}" for name, fact in actual - expected]
    lines += [f"{name}: missing: the table itself" for name in declared - exists]
    for name in exists - declared:
        lines += _stranger(name, {fact for other, fact in facts if other == name}, is_partition=name in partitions)
    return sorted(lines)


def _stranger(name: str, facts: set[str], *, is_partition: bool) -> list[str]:
    """A relation without a declaration: a partition must be shut by itself, anything else must be on the short list."""
    if is_partition:
        shut = {"row security enabled", "row security forced"}
        open_doors = {fact for fact in facts if fact.startswith(("grant", "policy"))}
        return [f"{name}: missing: {fact}" for fact in shut - facts] + [
            f"{name}: not declared: {fact}" for fact in open_doors
        ]
    if name.partition(".")[0] in UNDECLARED_SCHEMAS:
        return []
    if name in UNDECLARED:
        return [f"{name}: not declared: {fact}" for fact in facts if fact.startswith("grant")]
    return [f"{name}: a relation that no declaration knows"]
