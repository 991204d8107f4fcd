"""Wall facts: what the catalogue says, in lines that a person can read.

Drift is what lies between them and the declaration.
"""

from uuid import UUID

import pytest

from stockade.kernel.control import CONTROLS, Finding, control, finding
from stockade.tenancy.declaration import declared_tables
from stockade.tenancy.drift import drift
from stockade.tenancy.wall import LIVE_FACTS, expected_facts


def facts() -> set[tuple[str, str]]:
    """What a live catalogue as declared would say."""
    tables = declared_tables()
    return set(expected_facts(tables)) | {(table.fullname, "exists") for table in tables}


def test_a_catalogue_as_declared_has_no_drift() -> None:
    assert drift(facts()) == []


def test_a_policy_that_is_not_forced_reads_as_such() -> None:
    assert drift(facts() - {("catalog.product", "row security forced")}) == [
        "catalog.product: missing: row security forced"
    ]


def test_a_door_that_nobody_declared_reads_as_such() -> None:
    door = ("catalog.product", "grant TRUNCATE to stockade_application")
    assert drift(facts() | {door}) == ["catalog.product: not declared: grant TRUNCATE to stockade_application"]


def test_a_relation_that_nobody_declared_reads_as_such() -> None:
    assert drift(facts() | {("catalog.tomorrow", "exists")}) == [
        "catalog.tomorrow: a relation that no declaration knows"
    ]


def test_a_missing_table_reads_as_such() -> None:
    assert "catalog.vat_rate: missing: the table itself" in drift(
        {item for item in facts() if item[0] != "catalog.vat_rate"}
    )


def test_an_open_partition_reads_as_such() -> None:
    partition = {
        ("audit.entry_2030_01", fact)
        for fact in ("exists", "partition", "row security enabled", "grant SELECT to public")
    }
    assert drift(facts() | partition) == [
        "audit.entry_2030_01: missing: row security forced",
        "audit.entry_2030_01: not declared: grant SELECT to public",
    ]


async def test_the_live_catalogue_is_as_declared(superuser: object) -> None:
    live = [(str(row[0]), str(row[1])) for row in await superuser.fetch(LIVE_FACTS)]  # type: ignore[attr-defined]
    assert drift(live) == []


def test_a_check_that_looked_at_nothing_has_failed() -> None:
    assert not finding(0, "tables", []).holds
    assert finding(3, "tables", []) == Finding(True, "3 tables checked, no breach.")
    assert not finding(3, "tables", ["one"]).holds


def test_two_controls_cannot_have_one_id_nor_a_control_prove_nothing() -> None:
    from datetime import timedelta

    taken = next(iter(CONTROLS), None) or "tenancy.wall-as-declared"
    import stockade.tenancy.controls

    assert stockade.tenancy.controls
    hour, day = timedelta(hours=1), timedelta(days=1)
    with pytest.raises(ValueError, match="two controls"):
        control(id=taken, claims=("A1",), statement="", every=hour, max_age=day)
    with pytest.raises(ValueError, match="must prove a claim"):
        control(id=f"test.{UUID(int=0)}", claims=(), statement="", every=hour, max_age=day)
    with pytest.raises(ValueError, match="must prove a claim"):
        control(id=f"test.{UUID(int=0)}", claims=("A1",), statement="", every=day, max_age=hour)
