"""Passkeys, and those who would like to be somebody else with one. Each test is named by its attack."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.conftest import MakeTenant, TenantFixture
from tests.identity.factors.people import BROWSER, PARTY, Person

from stockade.identity.factors import passkeys
from stockade.identity.factors.authenticator import MODEL, Authenticator
from stockade.identity.factors.ceremony import PasskeyRefused
from stockade.identity.factors.held import factors_of
from stockade.identity.factors.passkeys import (
    ModelNotAllowed,
    PasskeyKnown,
    PasskeyNotEnrolled,
    TooManyPasskeys,
    Verified,
    begin_enrolment,
    begin_sign_in,
    begin_step_up,
    finish_enrolment,
    finish_sign_in,
    finish_step_up,
    list_passkeys,
    rename_passkey,
    revoke_passkey,
)
from stockade.identity.factors.policy import Policy, passkey_admitted, save_policy
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound, VersionConflict
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database

Superuser = Any


async def signed(database: Database, device: Authenticator, **lies: Any) -> Verified:
    return await finish_sign_in(
        database, PARTY, BROWSER, device.get(await begin_sign_in(database, PARTY, BROWSER), **lies)
    )


async def test_a_passkey_signs_its_holder_in_without_a_name(database: Database, person: Person) -> None:
    device, kept = await person.enrol()
    options = json.loads(await begin_sign_in(database, PARTY, BROWSER))
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    assert await signed(database, device) == Verified(person.account_id, kept.id)
    assert await signed(database, device) == Verified(person.account_id, kept.id)


async def test_one_that_keeps_no_count_signs_in_again_and_again(database: Database, person: Person) -> None:
    device, kept = await person.enrol(counter=None)
    for _ in range(2):
        assert (await signed(database, device)).passkey_id == kept.id


@pytest.mark.parametrize(
    "lies",
    [
        {"origin": "https://localhost.example.com"},
        {"origin": "https://localhost"},
        {"origin": "http://localhost:8443"},
        {"host": "example.com"},
        {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"cross_origin": True},
        {"verifies": False},
        {"user_handle": b""},
    ],
    ids=str,
)
async def test_wrong_origin_host_challenge_frame_or_nobody_verified(
    database: Database, person: Person, lies: dict[str, Any]
) -> None:
    device, _ = await person.enrol()
    with pytest.raises(PasskeyRefused):
        await signed(database, device, **lies)
    await signed(database, device)


async def test_replayed_assertion(database: Database, person: Person) -> None:
    device, _ = await person.enrol(counter=None)
    answer = device.get(await begin_sign_in(database, PARTY, BROWSER))
    await finish_sign_in(database, PARTY, BROWSER, answer)
    with pytest.raises(PasskeyRefused):
        await finish_sign_in(database, PARTY, BROWSER, answer)


async def test_one_assertion_sent_many_times_at_once(database: Database, person: Person) -> None:
    device, _ = await person.enrol(counter=None)
    answer = device.get(await begin_sign_in(database, PARTY, BROWSER))
    tries = [finish_sign_in(database, PARTY, BROWSER, answer) for _ in range(8)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, Verified) for outcome in outcomes) == 1


async def test_another_browsers_challenge(database: Database, person: Person) -> None:
    device, _ = await person.enrol()
    answer = device.get(await begin_sign_in(database, PARTY, "the attacker's browser"))
    with pytest.raises(PasskeyRefused):
        await finish_sign_in(database, PARTY, BROWSER, answer)


async def test_old_challenge(database: Database, person: Person, superuser: Superuser) -> None:
    device, _ = await person.enrol()
    answer = device.get(await begin_sign_in(database, PARTY, BROWSER))
    await superuser.execute("update identity.passkey_challenge set expires_at = now() - interval '1 second'")
    with pytest.raises(PasskeyRefused):
        await finish_sign_in(database, PARTY, BROWSER, answer)


async def test_challenge_of_another_purpose(database: Database, person: Person, other: Person) -> None:
    device, _ = await person.enrol()
    step_up = device.get(await begin_step_up(database, PARTY, BROWSER, person.account_id))
    with pytest.raises(PasskeyRefused):
        await finish_sign_in(database, PARTY, BROWSER, step_up)
    sign_in = device.get(await begin_sign_in(database, PARTY, BROWSER))
    with pytest.raises(PasskeyRefused):
        await finish_step_up(database, PARTY, BROWSER, person.account_id, sign_in)
    others = device.get(await begin_step_up(database, PARTY, BROWSER, other.account_id))
    with pytest.raises(PasskeyRefused):
        await finish_step_up(database, PARTY, BROWSER, person.account_id, others)
    again = device.get(await begin_step_up(database, PARTY, BROWSER, person.account_id))
    verified = await finish_step_up(database, PARTY, BROWSER, person.account_id, again)
    assert verified.account_id == person.account_id


async def test_step_up_with_a_colleagues_passkey(database: Database, person: Person, other: Person) -> None:
    device, _ = await other.enrol()
    answer = device.get(await begin_step_up(database, PARTY, BROWSER, person.account_id))
    with pytest.raises(PasskeyRefused):
        await finish_step_up(database, PARTY, BROWSER, person.account_id, answer)


async def test_cloned_counter(database: Database, person: Person, superuser: Superuser) -> None:
    device, kept = await person.enrol()
    await signed(database, device)
    copy = device.clone()
    await signed(database, device)
    with pytest.raises(PasskeyRefused):
        await signed(database, copy)
    with pytest.raises(PasskeyRefused):
        await signed(database, device)
    async with person.transaction() as tx:
        (shown,) = await list_passkeys(tx)
    assert shown.cloned_at is not None
    assert shown.revoked_at is not None
    noted = await superuser.fetchval(
        "select count(*) from audit.entry where tenant_id = $1 and action = 'identity.factor_changed' "
        "and after ->> 'change' = 'passkey_cloned' and after ->> 'account_id' = $2",
        person.tenant_id, str(person.account_id),
    )  # fmt: skip
    assert noted == 1
    letters = await superuser.fetch("select subject from mail.message where to_address = $1", person.email)
    assert "A passkey of your account may have been copied" in [row[0] for row in letters]
    assert kept.id == shown.id


async def test_counter_that_falls_back_to_zero(database: Database, person: Person) -> None:
    device, _ = await person.enrol()
    await signed(database, device)
    device.counter = None
    with pytest.raises(PasskeyRefused):
        await signed(database, device)


async def test_cloned_counter_where_the_organisation_only_refuses(
    database: Database, person: Person, tenant: TenantFixture
) -> None:
    async with database.transaction(tenant.principal) as tx:
        await save_policy(tx, Policy(cloned="refuse"))
    device, _ = await person.enrol()
    copy = device.clone()
    await signed(database, device)
    with pytest.raises(PasskeyRefused):
        await signed(database, copy)
    await signed(database, device)


async def test_another_accounts_passkey_id(database: Database, person: Person, other: Person) -> None:
    own, _ = await person.enrol()
    theirs, kept = await other.enrol()
    forged = Authenticator(PARTY.origin, PARTY.host, 9, key=own.key, credential_id=theirs.credential_id)
    for handle in (person.account_id.bytes, other.account_id.bytes):
        with pytest.raises(PasskeyRefused):
            await signed(database, forged, user_handle=handle)
    with pytest.raises(PasskeyRefused):
        await signed(database, own, user_handle=other.account_id.bytes)
    async with person.transaction() as tx:
        with pytest.raises(NotFound):
            await rename_passkey(tx, kept.id, "Mine now")
        with pytest.raises(NotFound):
            await revoke_passkey(tx, kept.id)
        with pytest.raises(NotFound):
            await passkeys.read_passkey(tx, kept.id)
    assert (await signed(database, theirs)).account_id == other.account_id


async def test_another_accounts_passkey_enrolled_as_ones_own(person: Person, other: Person) -> None:
    theirs, _ = await other.enrol()
    own = Authenticator(PARTY.origin, PARTY.host, credential_id=theirs.credential_id)
    async with person.transaction() as tx:
        options = await begin_enrolment(tx, PARTY, BROWSER)
    with pytest.raises(PasskeyKnown):
        async with person.transaction() as tx:
            await finish_enrolment(tx, PARTY, BROWSER, own.create(options), "Theirs")


@pytest.mark.parametrize(
    "lies", [{"origin": "https://evil.example"}, {"host": "evil.example"}, {"verifies": False}, {"cross_origin": True}],
    ids=str,
)  # fmt: skip
async def test_enrolment_by_another_origin_or_without_a_verified_user(person: Person, lies: dict[str, Any]) -> None:
    device = Authenticator(PARTY.origin, PARTY.host)
    async with person.transaction() as tx:
        options = await begin_enrolment(tx, PARTY, BROWSER)
    with pytest.raises(PasskeyNotEnrolled):
        async with person.transaction() as tx:
            await finish_enrolment(tx, PARTY, BROWSER, device.create(options, **lies), "No")


async def test_enrolment_with_somebody_elses_challenge_or_twice(person: Person, other: Person) -> None:
    device = Authenticator(PARTY.origin, PARTY.host)
    async with other.transaction() as tx:
        options = await begin_enrolment(tx, PARTY, BROWSER)
    answer = device.create(options)
    for who, browser in ((person, BROWSER), (other, "another browser")):
        with pytest.raises(PasskeyNotEnrolled):
            async with who.transaction() as tx:
                await finish_enrolment(tx, PARTY, browser, answer, "No")
    async with other.transaction() as tx:
        await finish_enrolment(tx, PARTY, BROWSER, answer, "Yes")
    with pytest.raises(PasskeyNotEnrolled):
        async with other.transaction() as tx:
            await finish_enrolment(tx, PARTY, BROWSER, answer, "Again")


@pytest.mark.parametrize(
    "answer",
    [{}, {"rawId": 1}, {"response": []}, {"rawId": "A", "response": {"clientDataJSON": "e30"}}, {"response": None}],
    ids=str,
)
async def test_answers_that_are_none(database: Database, person: Person, answer: dict[str, Any]) -> None:
    with pytest.raises(PasskeyRefused):
        await finish_sign_in(database, PARTY, BROWSER, answer)
    with pytest.raises(PasskeyNotEnrolled):
        async with person.transaction() as tx:
            await finish_enrolment(tx, PARTY, BROWSER, answer, "No")


async def test_revoked_passkey(database: Database, person: Person) -> None:
    device, kept = await person.enrol()
    async with person.transaction() as tx:
        await revoke_passkey(tx, kept.id)
    assert (await factors_of(database, person.account_id)).passkeys == 0
    with pytest.raises(PasskeyRefused):
        await signed(database, device)


async def test_deactivated_account(database: Database, person: Person, superuser: Superuser) -> None:
    device, _ = await person.enrol()
    await superuser.execute("update identity.account set state = 'deactivated' where id = $1", person.account_id)
    with pytest.raises(PasskeyRefused):
        await signed(database, device)


async def test_a_bounded_number_of_passkeys(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passkeys, "MOST", 2)
    await person.enrol()
    await person.enrol()
    with pytest.raises(TooManyPasskeys):
        await person.enrol()


async def test_enrolling_for_somebody_else_without_being_them(database: Database, person: Person) -> None:
    """A key of the organisation, or its jobs, enrol nothing: the functions want a person in the pin."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(Principal.system(person.tenant_id)) as tx:
            await tx.fetchrow(
                "select identity.add_own_passkey($1, $2, $3, 0, '[]', $1, false, 'x', false)",
                new_id(), b"credential", b"key",
            )  # fmt: skip


@pytest.mark.parametrize("table", ["passkey", "passkey_challenge", "totp", "recovery_code"])
async def test_reading_the_tables_themselves(database: Database, person: Person, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with person.transaction() as tx:
            await tx.fetch(f"select * from identity.{table}")
    async with database.gate().acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(f"select * from identity.{table}")


async def test_the_gates_functions_asked_as_the_application(person: Person) -> None:
    for call in ("identity.find_totp($1)", "identity.homes_of($1)", "identity.held_factors($1)",
                 "identity.usable_passkeys($1)"):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with person.transaction() as tx:
                await tx.fetch(f"select * from {call}", person.account_id)


class Maker:
    """A maker of authenticators: a root, and the certificate that its devices sign with."""

    def __init__(self) -> None:
        self.root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = self._issue("Root", self.root_key, authority=True)
        self.device = self._issue("Device", self.key, authority=False)
        self.pem = self.root.public_bytes(Encoding.PEM).decode()

    @property
    def proof(self) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
        return self.device.public_bytes(Encoding.DER), self.key

    def _issue(self, name: str, key: ec.EllipticCurvePrivateKey, *, authority: bool) -> x509.Certificate:
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "PL"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Maker"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )  # fmt: skip
        issuer = subject if authority else self.root.subject
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        return builder.sign(self.root_key, hashes.SHA256())


async def test_a_passkey_whose_model_nobody_vouches_for(
    database: Database, person: Person, tenant: TenantFixture, make_tenant: MakeTenant
) -> None:
    maker, forger = Maker(), Maker()
    plain = (await person.enrol())[1]
    async with database.transaction(tenant.principal) as tx:
        policy = await save_policy(tx, Policy(attestation="direct", attestation_roots=maker.pem, aaguids=[MODEL]))
    assert policy.version == 1
    assert not await passkey_admitted(database, tenant.id, plain.id)
    assert await passkey_admitted(database, (await make_tenant()).id, plain.id)
    with pytest.raises(ModelNotAllowed):
        await person.enrol()
    with pytest.raises(ModelNotAllowed):
        await person.enrol(maker=forger.proof)
    with pytest.raises(ModelNotAllowed):
        await person.enrol(maker=maker.proof, model=new_id())
    vouched = (await person.enrol(maker=maker.proof))[1]
    assert vouched.attested
    assert vouched.aaguid == MODEL
    assert await passkey_admitted(database, tenant.id, vouched.id)


async def test_policies_that_cannot_be(database: Database, tenant: TenantFixture) -> None:
    async with database.transaction(tenant.principal) as tx:
        with pytest.raises(Invalid):
            await save_policy(tx, Policy(attestation="direct", attestation_roots="no certificate"))
        with pytest.raises(Invalid):
            await save_policy(tx, Policy(aaguids=[MODEL]))
        saved = await save_policy(tx, Policy(second_factor_required=True))
        again = await save_policy(tx, Policy(passwords_allowed=False, version=saved.version))
        assert again.version == saved.version + 1
        with pytest.raises(VersionConflict):
            await save_policy(tx, saved)
        with pytest.raises(VersionConflict):
            await save_policy(tx, Policy())
