"""The controls of the wall: what the catalogue says, what the connection may do, and what an attacker gets.

Each runs against the live installation as the application's own role, from one probe tenant against the other.
"""

from datetime import timedelta
from typing import Any

from stockade.database.roles import Role, settings_of
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.tenancy import attacks, forgeries
from stockade.tenancy.attacks import Outcome
from stockade.tenancy.catalogue import (
    CROSSING_KEYS,
    DEFAULT_PRIVILEGES,
    FUNCTIONS,
    KEYS,
    MEMBERSHIPS,
    OTHER_SETTINGS,
    POWERS,
    QUEUE_DOORS,
    ROLE,
    ROLE_SETTINGS,
    RULES,
    UNFENCED_TENANT_COLUMNS,
    WHY_DEFINERS,
    WHY_KEYS,
    WHY_UNBOUND,
)
from stockade.tenancy.drift import drift
from stockade.tenancy.wall import LIVE_FACTS

_OFTEN = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_ISOLATION = ("OWASP ASVS 5.0 V8.4", "ISO 27001 A.8.3", "SOC 2 CC6.1")


async def _rows(installation: Installation, sql: str) -> list[Any]:
    async with installation.application.main().acquire() as connection:
        return list(await connection.fetch(sql))


def _finding(outcome: Outcome, what: str) -> Finding:
    return finding(outcome.tried, what, outcome.breaches)


@control(
    id="tenancy.wall-as-declared", claims=("A1",), every=_OFTEN, max_age=_HOUR, standards=_ISOLATION,
    statement="Every table with a tenant's rows has row-level security enabled and forced, with a restrictive "
    "policy, and exactly the declared grants.",
)  # fmt: skip
async def wall_as_declared(installation: Installation) -> Finding:
    """Compare every relation of every schema with the declaration; a stranger is a breach."""
    live = [(str(row[0]), str(row[1])) for row in await _rows(installation, LIVE_FACTS)]
    wrong = drift(live)
    wrong += [
        f"{row[0]}: {row[1]}"
        for sql in (UNFENCED_TENANT_COLUMNS, RULES, DEFAULT_PRIVILEGES)
        for row in await _rows(installation, sql)
    ]
    wrong += sorted({f"jobs: {row[0]}" for row in await _rows(installation, QUEUE_DOORS)})
    relations = {name for name, fact in live if fact == "exists"}
    forced = {name for name, fact in live if fact == "row security forced"}
    found = finding(len(relations), "relations", wrong)
    if found.holds and forced:
        return Finding(
            True,
            f"{len(relations)} relations, {len(forced)} of them with row security forced, none undeclared.",
        )
    return found if wrong else Finding(False, "Nothing was checked: no relation has row-level security forced.")


@control(
    id="tenancy.role-has-no-power", claims=("A2",), every=_OFTEN, max_age=_HOUR,
    standards=(*_ISOLATION, "CIS PostgreSQL 4"),
    statement="The application's role is no superuser, owns nothing, bypasses no policy, is a member of no "
    "role, and may neither create nor truncate.",
)  # fmt: skip
async def role_has_no_power(installation: Installation) -> Finding:
    """Look at the live connection's role, and try every way to more rights from it."""
    wrong = [f"the connection's role {row[0]}" for row in await _rows(installation, ROLE)]
    wrong += [f"it holds {row[0]}" for row in await _rows(installation, POWERS)]
    wrong += [f"{row[0]}" for row in await _rows(installation, MEMBERSHIPS)]
    expected = {f"{name}={value}".lower() for name, value in settings_of(Role.APPLICATION).items()}
    actual = {str(row[0]).lower() for row in await _rows(installation, ROLE_SETTINGS)}
    wrong += sorted(f"its settings: {item}" for item in expected ^ actual)
    wrong += [f"settings of its own: {row[0]}" for row in await _rows(installation, OTHER_SETTINGS)]
    own_server = installation.settings.database_url is None
    outcome = await forgeries.escalate(installation.application, installation.probes[0], own_server=own_server)
    return finding(outcome.tried, "ways to more rights", [*wrong, *outcome.breaches])


@control(
    id="tenancy.no-pin-no-rows", claims=("A3",), every=_OFTEN, max_age=_HOUR, standards=_ISOLATION,
    statement="Without a tenant pinned, after the transaction that pinned one, or with an expired pin, no "
    "table shows a row.",
)  # fmt: skip
async def no_pin_no_rows(installation: Installation) -> Finding:
    """Read every relation without a valid pin."""
    return _finding(
        await forgeries.see_without_pin(installation.application, *installation.probes), "reads without a valid pin"
    )


@control(
    id="tenancy.nothing-to-read", claims=("A4",), every=_OFTEN, max_age=_HOUR, standards=_ISOLATION,
    statement="Raw SQL as the application's role, inside one tenant, reads no row of another from any table, "
    "view, function or copy.",
)  # fmt: skip
async def nothing_to_read(installation: Installation) -> Finding:
    """Read, copy and call from one probe tenant, for rows of the other."""
    outcome = Outcome()
    for attack in (attacks.read_rows, attacks.copy_out, attacks.call_functions):
        outcome += await attack(installation.application, *installation.probes)
    return _finding(outcome, "attempts to read another tenant's rows")


@control(
    id="tenancy.nothing-to-change", claims=("A4",), every=_OFTEN, max_age=_HOUR, standards=_ISOLATION,
    statement="Raw SQL as the application's role, inside one tenant, changes, deletes, locks or inserts no row "
    "of another in any table.",
)  # fmt: skip
async def nothing_to_change(installation: Installation) -> Finding:
    """Write from one probe tenant to rows of the other."""
    outcome = await attacks.write_rows(installation.application, *installation.probes)
    outcome += await attacks.insert_rows(installation.application, *installation.probes)
    return _finding(outcome, "attempts to change another tenant's rows")


@control(
    id="tenancy.functions-fenced", claims=("A4", "X2"), every=_OFTEN, max_age=_HOUR, standards=_ISOLATION,
    statement="Only listed functions run with other rights than their caller's, none of them with a "
    "superuser's, and none is open to everybody.",
)  # fmt: skip
async def functions_fenced(installation: Installation) -> Finding:
    """Look at every function outside PostgreSQL's own schemas: whose it is, whom it serves, and what it finds first."""
    rows = await _rows(installation, FUNCTIONS)
    wrong = []
    for row in rows:
        name, definer, owner_power, open_to_all, unbound = row
        if definer and name not in WHY_DEFINERS:
            wrong.append(f"{name} runs with its owner's rights, and is not on the list")
        if definer and owner_power:
            wrong.append(f"{name} runs with the rights of a role that bypasses the policies")
        if definer and unbound and name not in WHY_UNBOUND:
            wrong.append(f"{name} runs with its owner's rights, and finds its names by the caller's search path")
        if open_to_all:
            wrong.append(f"{name} may be executed by everybody")
    return finding(len(rows), "functions", wrong)


@control(
    id="tenancy.no-key-crosses", claims=("A7",), every=_OFTEN, max_age=_HOUR, standards=_ISOLATION,
    statement="Every foreign key, unique constraint and exclusion among tenants' tables begins with the "
    "tenant, and none cascades.",
)  # fmt: skip
async def no_key_crosses(installation: Installation) -> Finding:
    """Look at every key in the catalogue, then try to refer to another tenant's rows and to learn from the refusal."""
    keys = await _rows(installation, KEYS)
    wrong = [f"{row[0]}: {row[1]}" for row in await _rows(installation, CROSSING_KEYS) if str(row[0]) not in WHY_KEYS]
    outcome = await attacks.refer_to_rows(installation.application, *installation.probes)
    outcome += await attacks.learn_from_keys(installation.application, *installation.probes)
    if not outcome.tried:
        wrong.append("no reference could be tried")
    return finding(len(keys), f"keys and {outcome.tried} attempts to cross one", [*wrong, *outcome.breaches])


@control(
    id="tenancy.pin-cannot-be-forged", claims=("X2", "A3"), every=_OFTEN, max_age=_HOUR,
    standards=(*_ISOLATION, "OWASP ASVS 5.0 V11"),
    statement="The tenant of a transaction is signed; no altered, forged, replayed or expired pin opens a row, "
    "with all SQL as the application's role.",
)  # fmt: skip
async def pin_cannot_be_forged(installation: Installation) -> Finding:
    """Try pins that the installation never made for the session."""
    return _finding(await forgeries.forge_pins(installation.application, *installation.probes), "forged pins")
