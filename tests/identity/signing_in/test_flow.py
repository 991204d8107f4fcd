"""Signing in under attack, and as its table of states says."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pyotp
import pytest
from tests.conftest import TenantFixture
from tests.running import Site
from tests.walls.calls import inside

from stockade.identity.factors import recovery, totp
from stockade.identity.factors.policy import Policy, save_policy
from stockade.identity.passwords.hashing import hash_password
from stockade.identity.service.members import Place, add_member
from stockade.identity.service.sign_in import SignedIn, SignInRefused, Visitor, issue_link
from stockade.identity.signing_in import brake, flow
from stockade.identity.signing_in.brake import TooManyAttempts
from stockade.identity.signing_in.flow import Door, FactorRefused, Wait, device_mark, read_mark
from stockade.identity.signing_in.states import TRANSITIONS, NoSuchStep, following, wanted_after
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal

PASSWORD = "correct horse battery staple"


class Person(msgspec.Struct):
    """Somebody with a password, and the door that they come to."""

    site: Site
    tenant: TenantFixture
    account_id: UUID
    email: str

    @property
    def door(self) -> Door:
        """The installation's."""
        state = inside(self.site).state
        return Door(self.site.database, state.credentials, state.sealer, state.party)

    @property
    def principal(self) -> Principal:
        """The person, signed in."""
        return Principal(tenant_id=self.tenant.id, actor_id=self.account_id, kind=ActorKind.USER, role="owner")

    async def tries(self, password: str, address: str = "192.0.2.1", device: str | None = None) -> SignedIn | Wait:
        """Bring a password."""
        visitor = Visitor(address, "tests", new_id(), "here")
        return await flow.with_password(self.door, visitor, email=self.email, password=password, device=device)

    async def enrol_app(self) -> pyotp.TOTP:
        """Set up an authenticator app."""
        async with self.site.database.transaction(self.principal) as tx:
            begun = await totp.begin(tx, self.door.sealer)
            app = pyotp.parse_uri(begun.address)
            assert isinstance(app, pyotp.TOTP)
            await totp.confirm(tx, self.door.sealer, app.now())
        return app


@pytest.fixture
async def person(site: Site, tenant: TenantFixture, superuser: Any) -> Person:
    """A member with a password."""
    email = f"{new_id().hex}@example.com"
    async with site.database.transaction(tenant.principal) as tx:
        account_id = await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role="owner"))
    hashed = await hash_password(PASSWORD)
    await superuser.execute("update identity.account set password_hash = $1 where id = $2", hashed, account_id)
    return Person(site, tenant, account_id, email)


async def wrong(person: Person, times: int, *, addresses: int = 1, device: str | None = None) -> int:
    """Bring wrong passwords until the brake holds; return how many were looked at."""
    for number in range(times):
        try:
            await person.tries("wrong", f"198.51.{number % addresses // 200}.{number % addresses % 200}", device)
        except SignInRefused:
            continue
        except TooManyAttempts:
            return number
    return times


async def test_guessing_from_one_address_is_braked_after_three(person: Person) -> None:
    assert await wrong(person, 10) == brake.FREE["pair"] + 1
    with pytest.raises(TooManyAttempts) as refused:
        await person.tries(PASSWORD, "198.51.0.0")
    assert refused.value.members["retry_after"] > 0


async def test_the_wait_doubles_with_every_failure(person: Person, superuser: Any) -> None:
    waits = []
    for _ in range(7):
        await superuser.execute("update identity.throttle set blocked_until = null")
        with pytest.raises(SignInRefused):
            await person.tries("wrong")
        waits.append(await superuser.fetchval(
            "select round(extract(epoch from blocked_until - failed_at))::int from identity.throttle "
            "where kind = 'pair' and subject = $1", brake.subject(
                person.door.credentials, "pair", person.email, "192.0.2.1").hash,
        ))  # fmt: skip
    assert waits == [None, None, None, 2, 4, 8, 16]


async def test_another_address_is_not_held_up_by_a_guesser(person: Person) -> None:
    await wrong(person, 10)
    assert isinstance(await person.tries(PASSWORD, "203.0.113.9"), SignedIn)


async def test_guessing_from_many_addresses_is_braked_by_the_account(person: Person) -> None:
    assert await wrong(person, 30, addresses=30) == brake.FREE["account"] + 1


async def lock(person: Person, superuser: Any) -> None:
    """Guess from many addresses, waiting long enough each time, until the account is locked."""
    for number in range(20):
        await superuser.execute("update identity.throttle set blocked_until = null")
        with pytest.raises(SignInRefused):
            await person.tries("wrong", f"198.51.100.{number}")


async def test_a_patient_guesser_locks_the_account_and_its_owner_is_told(person: Person, superuser: Any) -> None:
    await lock(person, superuser)
    with pytest.raises(TooManyAttempts, match="locked"):
        await person.tries(PASSWORD, "203.0.113.9")
    letters = await superuser.fetch(
        "select subject from mail.message where tenant_id = $1 and to_address = $2 and subject like '%locked%'",
        person.tenant.id, person.email,
    )  # fmt: skip
    assert len(letters) == 1
    alerts = await superuser.fetchval("select count(*) from identity.alert where tenant_id = $1", person.tenant.id)
    assert alerts == 1


async def test_nobody_locks_the_owner_out_of_their_own_browser_or_links(person: Person, superuser: Any) -> None:
    await lock(person, superuser)
    mark = device_mark(person.door.credentials, person.account_id, "mine")
    known = read_mark(person.door.credentials, mark)
    assert known is not None
    assert isinstance(await person.tries(PASSWORD, device=".".join(known)), SignedIn)
    async with person.site.database.transaction(person.tenant.principal) as tx:
        secret = await issue_link(tx, person.account_id)
    visitor = Visitor("203.0.113.77", "tests", new_id(), "link")
    assert isinstance(await flow.with_link(person.door, visitor, secret=secret), SignedIn)


async def test_a_mark_of_ones_own_account_is_no_fresh_counter_for_anothers(person: Person) -> None:
    """Attack: sign in to an account of one's own again and again, and guess at another's with each mark."""
    tried = 0
    for number in range(10):
        device = f"{new_id().hex}.{number}"
        try:
            await person.tries("wrong", device=device)
        except SignInRefused:
            tried += 1
        except TooManyAttempts:
            break
    assert tried == brake.FREE["pair"] + 1


@pytest.mark.parametrize("mark", ["", ".", "x.y.z", f"{'a' * 32}.mine.{'0' * 64}", f"{'é' * 32}.a.b"])
async def test_a_mark_that_is_not_ours_is_none(site: Site, mark: str) -> None:
    assert read_mark(inside(site).state.credentials, mark) is None


async def test_an_address_without_an_account_is_braked_in_the_same_words(person: Person) -> None:
    nobody = msgspec.structs.replace(person, email="nobody@example.com")
    assert await wrong(nobody, 10) == await wrong(msgspec.structs.replace(person), 10)


async def test_failures_at_the_same_time_are_all_counted(person: Person, superuser: Any) -> None:
    await asyncio.gather(*(person.tries("wrong", f"198.51.100.{n}") for n in range(8)), return_exceptions=True)
    mine = brake.subject(person.door.credentials, "account", person.email).hash
    counted = await superuser.fetchval("select failures from identity.throttle where subject = $1", mine)
    assert counted == 8


async def test_a_second_factor_stands_between_the_password_and_the_session(person: Person) -> None:
    app = await person.enrol_app()
    waiting = await person.tries(PASSWORD)
    assert isinstance(waiting, Wait)
    visitor = Visitor("192.0.2.1", "tests", new_id(), "here")
    with pytest.raises(FactorRefused):
        await flow.with_factor(person.door, visitor, token=waiting.token, code="000000")
    fresh = app.at(0, counter_offset=0)
    assert fresh
    async with person.site.database.transaction(person.principal) as tx:
        codes = await recovery.regenerate(tx)
    opened = await flow.with_factor(person.door, visitor, token=waiting.token, code=codes[0])
    assert isinstance(opened, SignedIn)
    with pytest.raises(FactorRefused):
        await flow.with_factor(person.door, visitor, token=waiting.token, code=codes[1])


async def test_a_sign_in_that_waits_ends_with_its_fifth_wrong_code(person: Person, superuser: Any) -> None:
    await person.enrol_app()
    waiting = await person.tries(PASSWORD)
    assert isinstance(waiting, Wait)
    visitor = Visitor("192.0.2.1", "tests", new_id(), "here")
    async with person.site.database.transaction(person.principal) as tx:
        codes = await recovery.regenerate(tx)
    for _ in range(5):
        await superuser.execute("update identity.throttle set blocked_until = null")
        with pytest.raises(FactorRefused):
            await flow.with_factor(person.door, visitor, token=waiting.token, code="000000")
    await superuser.execute("update identity.throttle set blocked_until = null")
    with pytest.raises(FactorRefused):
        await flow.with_factor(person.door, visitor, token=waiting.token, code=codes[0])


async def test_a_demanded_factor_is_enrolled_before_anything_else(person: Person) -> None:
    async with person.site.database.transaction(person.tenant.principal) as tx:
        await save_policy(tx, Policy(second_factor_required=True))
    opened = await person.tries(PASSWORD)
    assert isinstance(opened, SignedIn)
    assert opened.must_enrol
    cookie = {"Cookie": f"__Host-session={opened.token}"}
    assert (await person.site.client.get("/api/v1/orders", headers=cookie)).status_code == 403
    assert (await person.site.client.get("/security", headers=cookie)).status_code == 200
    await person.enrol_app()
    assert (await person.site.client.get("/api/v1/orders", headers=cookie)).status_code == 200


async def test_an_organisation_without_passwords_takes_none(person: Person) -> None:
    async with person.site.database.transaction(person.tenant.principal) as tx:
        await save_policy(tx, Policy(passwords_allowed=False))
    with pytest.raises(SignInRefused):
        await person.tries(PASSWORD)


async def test_what_is_sensitive_wants_a_recent_proof(person: Person, superuser: Any) -> None:
    opened = await person.tries(PASSWORD)
    assert isinstance(opened, SignedIn)
    headers = {
        "Cookie": f"__Host-session={opened.token}",
        "X-CSRF-Token": inside(person.site).state.csrf.token(opened.token),
    }
    new = {"name": "k", "role": "viewer"}

    async def issue() -> int:
        return (await person.site.call(None, "POST", "/api/v1/api-keys", json=new, headers=dict(headers))).status_code

    assert await issue() == 201
    await person.enrol_app()
    # The trail refuses a change without a pin, a superuser's too; so triggers are off for it.
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute("update identity.session set confirmed_at = now() - interval '11 minutes'")
    await superuser.execute("reset session_replication_role")
    assert await issue() == 403
    async with person.site.database.transaction(person.principal) as tx:
        codes = await recovery.regenerate(tx)
    proof = await person.site.call(None, "POST", "/api/v1/me/proof", json={"code": codes[0]}, headers=dict(headers))
    assert proof.status_code == 200, proof.text
    assert await issue() == 201


async def test_ones_own_sessions_are_listed_and_ended(person: Person) -> None:
    first, second = await person.tries(PASSWORD), await person.tries(PASSWORD)
    assert isinstance(first, SignedIn)
    assert isinstance(second, SignedIn)
    token = inside(person.site).state.csrf.token(first.token)
    headers = {"Cookie": f"__Host-session={first.token}", "X-CSRF-Token": token}
    listed = (await person.site.call(None, "GET", "/api/v1/me/sessions", headers=dict(headers))).json()
    assert [item["current"] for item in listed] == [True, False]
    ended = await person.site.call(None, "POST", f"/api/v1/me/sessions/{listed[1]['id']}/end", headers=dict(headers))
    assert ended.status_code == 200, ended.text
    other = {"Cookie": f"__Host-session={second.token}"}
    assert (await person.site.client.get("/api/v1/orders", headers=other)).status_code == 401


def test_the_table_lets_nobody_past_a_factor() -> None:
    for (state, proof, wanted), then in TRANSITIONS.items():
        if then == "session" and proof in ("password", "link"):
            assert wanted == "nothing", (state, proof)
    with pytest.raises(NoSuchStep):
        following("factor", "password", "nothing")
    assert wanted_after("password", required=False, has_second=True) == "factor"
    assert wanted_after("link", required=True, has_second=False) == "enrolment"
    assert wanted_after("passkey", required=True, has_second=False) == "nothing"
