"""One-time codes and recovery codes, and those who bring one twice."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pyotp
import pytest
from tests.identity.factors.people import Person

from stockade.identity.factors import recovery, totp
from stockade.identity.factors.held import Held, factors_of, own_factors
from stockade.identity.factors.totp import STEP_SECONDS, step_of
from stockade.identity.sealing import NotOpened, Sealer
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound
from stockade.tenancy.transaction import Database

SEALER = Sealer(bytes(range(32)))
Superuser = Any


async def set_up(person: Person, superuser: Superuser) -> pyotp.TOTP:
    """Set an app up, and let the time step of its first code be as if unused."""
    async with person.transaction() as tx:
        begun = await totp.begin(tx, SEALER)
    app = pyotp.TOTP(begun.seed)
    async with person.transaction() as tx:
        await totp.confirm(tx, SEALER, app.now())
    await superuser.execute("update identity.totp set last_step = 0 where account_id = $1", person.account_id)
    return app


def test_a_code_is_of_its_own_step_or_a_neighbour() -> None:
    """RFC 6238, appendix B: the seed of the examples, its code at 59 seconds, cut to six digits."""
    seed = b"12345678901234567890"
    assert step_of(seed, "287082", at=59) == 1
    assert step_of(seed, "287 082", at=59 + STEP_SECONDS) == 1
    assert step_of(seed, "287082", at=29) == 1
    assert step_of(seed, "287082", at=59 + 2 * STEP_SECONDS) is None
    for wrong in ("", "28708", "2870822", "٢٨٧٠٨٢", "abcdef", "287083"):
        assert step_of(seed, wrong, at=59) is None


async def test_an_app_is_set_up_with_a_code_of_its_own(database: Database, person: Person) -> None:
    async with person.transaction() as tx:
        begun = await totp.begin(tx, SEALER)
        assert await totp.read_begun(tx, SEALER) == begun
    said = parse_qs(urlsplit(begun.address).query)
    assert said["secret"] == [begun.seed]
    assert said["issuer"] == ["Stockade"]
    assert begun.svg.startswith("<svg")
    assert "script" not in begun.svg
    assert await factors_of(database, person.account_id) == Held(0, False, 0)
    assert not await totp.check(database, SEALER, person.account_id, pyotp.TOTP(begun.seed).now())
    with pytest.raises(Invalid):
        async with person.transaction() as tx:
            await totp.confirm(tx, SEALER, "000000" if pyotp.TOTP(begun.seed).now() != "000000" else "111111")
    async with person.transaction() as tx:
        await totp.confirm(tx, SEALER, pyotp.TOTP(begun.seed).now())
        assert (await own_factors(tx)).totp
        assert await totp.read_begun(tx, SEALER) is None
    with pytest.raises(NotFound):
        async with person.transaction() as tx:
            await totp.confirm(tx, SEALER, pyotp.TOTP(begun.seed).now())


async def test_the_code_that_confirmed_the_app_used_again(database: Database, person: Person) -> None:
    async with person.transaction() as tx:
        begun = await totp.begin(tx, SEALER)
    code = pyotp.TOTP(begun.seed).now()
    async with person.transaction() as tx:
        await totp.confirm(tx, SEALER, code)
    assert not await totp.check(database, SEALER, person.account_id, code)


async def test_one_code_many_times_at_once(database: Database, person: Person, superuser: Superuser) -> None:
    app = await set_up(person, superuser)
    code = app.now()
    tries = [totp.check(database, SEALER, person.account_id, code) for _ in range(12)]
    assert sum(await asyncio.gather(*tries)) == 1
    assert not await totp.check(database, SEALER, person.account_id, code)


async def test_an_older_code_after_a_newer_one(database: Database, person: Person, superuser: Superuser) -> None:
    app = await set_up(person, superuser)
    older, newer = app.at(time.time() - STEP_SECONDS), app.at(time.time())
    assert await totp.check(database, SEALER, person.account_id, newer)
    assert older == newer or not await totp.check(database, SEALER, person.account_id, older)


async def test_a_colleagues_code(database: Database, person: Person, other: Person, superuser: Superuser) -> None:
    theirs = await set_up(other, superuser)
    assert not await totp.check(database, SEALER, person.account_id, theirs.now())
    own = await set_up(person, superuser)
    assert own.now() == theirs.now() or not await totp.check(database, SEALER, person.account_id, theirs.now())


async def test_a_seed_copied_to_ones_own_account(
    database: Database, person: Person, other: Person, superuser: Superuser
) -> None:
    """Who can write the table still cannot sign in as somebody with an app of theirs: the seal names its place."""
    app = await set_up(person, superuser)
    await set_up(other, superuser)
    await superuser.execute(
        "update identity.totp set seed_sealed = (select seed_sealed from identity.totp where account_id = $1) "
        "where account_id = $2", person.account_id, other.account_id,
    )  # fmt: skip
    with pytest.raises(NotOpened):
        await totp.check(database, SEALER, other.account_id, app.now())


async def test_the_seed_lies_sealed(person: Person, superuser: Superuser) -> None:
    app = await set_up(person, superuser)
    stored = await superuser.fetchval("select seed_sealed from identity.totp where account_id = $1", person.account_id)
    assert app.byte_secret() not in stored
    assert app.secret.encode() not in stored


async def test_a_new_app_takes_the_place_of_the_old_one(
    database: Database, person: Person, superuser: Superuser
) -> None:
    old = await set_up(person, superuser)
    new = await set_up(person, superuser)
    assert not await totp.check(database, SEALER, person.account_id, old.now())
    assert await totp.check(database, SEALER, person.account_id, new.now())
    async with person.transaction() as tx:
        await totp.remove(tx)
    assert await superuser.fetchval("select count(*) from identity.totp where account_id = $1", person.account_id) == 0
    with pytest.raises(NotFound):
        async with person.transaction() as tx:
            await totp.remove(tx)


async def test_a_recovery_code_brought_twice_and_many_times_at_once(
    database: Database, person: Person, other: Person
) -> None:
    async with person.transaction() as tx:
        codes = await recovery.regenerate(tx)
    assert len(set(codes)) == recovery.CODES
    assert not await recovery.use(database, other.account_id, codes[0])
    tries = [recovery.use(database, person.account_id, codes[0]) for _ in range(12)]
    assert sum(await asyncio.gather(*tries)) == 1
    assert not await recovery.use(database, person.account_id, codes[0])
    assert await recovery.use(database, person.account_id, f" {codes[1].lower().replace('-', ' ')}\n")
    assert (await factors_of(database, person.account_id)).recovery_left == recovery.CODES - 2


@pytest.mark.parametrize("code", ["", "A", "A" * 16, "A" * 17, "AAAA-AAAA-AAAA-AAA1", "ä" * 16, "A" * 100_000], ids=len)
async def test_recovery_codes_that_are_none(database: Database, person: Person, code: str) -> None:
    assert not await recovery.use(database, person.account_id, code)


async def test_a_recovery_code_from_before(database: Database, person: Person, superuser: Superuser) -> None:
    async with person.transaction() as tx:
        before = await recovery.regenerate(tx)
    async with person.transaction() as tx:
        await recovery.regenerate(tx)
    assert not await recovery.use(database, person.account_id, before[0])
    stored = await superuser.fetch(
        "select code_hash from identity.recovery_code where account_id = $1", person.account_id
    )
    assert len(stored) == recovery.CODES
    assert {len(row[0]) for row in stored} == {32}


async def test_every_change_goes_to_the_person_by_letter_and_into_the_trail(
    database: Database, person: Person, superuser: Superuser
) -> None:
    await set_up(person, superuser)
    async with person.transaction() as tx:
        codes = await recovery.regenerate(tx)
        await totp.remove(tx)
    await recovery.use(database, person.account_id, codes[0])
    letters = await superuser.fetch("select subject from mail.message where to_address = $1", person.email)
    assert {row[0] for row in letters} == {
        "An authenticator app was added to your account",
        "New recovery codes were made for your account",
        "The authenticator app was removed from your account",
        "A recovery code of your account was used",
    }
    noted = await superuser.fetch(
        "select after ->> 'change' from audit.entry where tenant_id = $1 and action = 'identity.factor_changed'",
        person.tenant_id,
    )
    assert {row[0] for row in noted} == {"totp_added", "recovery_codes_made", "totp_removed", "recovery_code_used"}


async def test_using_codes_up_as_the_application(person: Person) -> None:
    for call in ("identity.use_totp_step($1, 9)", "identity.use_recovery_code($1, '')"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with person.transaction() as tx:
                await tx.fetch(f"select {call}", new_id())
