"""Letters, handed to a real SMTP server: delivered once, tried again, given up, and never in the clear by accident."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.conftest import Server, TenantFixture
from tests.mail.posting import Post, certificate, post_office, relay_to

from stockade.database.roles import Role
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, NotFound
from stockade.mail import delivering
from stockade.mail.delivering import Courier
from stockade.mail.letters import Attached, Letter
from stockade.mail.relay import Relay
from stockade.mail.sending import MOST_AN_HOUR, NotGivenUp, Sent, TooManyLetters, read_letter, send, send_again
from stockade.mail.setting import MailSettingChange, set_setting
from stockade.tenancy.transaction import Database, Transaction, open_pool

LETTER = Letter(
    to="ada@example.com", subject="Invoice INV-1", body="Dear <Ada>,\n\nplease pay.", sender_name="Nordlicht & Söhne",
    facts=(("Amount", "12.00 EUR"),),
)  # fmt: skip
DOCUMENT = new_id()


@pytest.fixture
async def worker(server: Server, database_name: str) -> AsyncIterator[Database]:
    """The worker's way to the database."""
    pool = await open_pool(server.dsn(Role.WORKER, database_name), server.signer, size=4)
    made = Database({"main": pool})
    yield made
    await made.close()


@pytest.fixture
def post() -> Post:
    return Post()


async def queued(database: Database, tenant: TenantFixture, letter: Letter = LETTER) -> UUID:
    async with database.transaction(tenant.principal) as tx:
        return await send(tx, letter)


async def state_of(database: Database, tenant: TenantFixture, id: UUID) -> Sent:
    async with database.transaction(tenant.principal) as tx:
        return await read_letter(tx, id)


async def attach(tx: Transaction, id: UUID) -> Callable[[], Attached]:
    if id != DOCUMENT:
        raise NotFound
    return lambda: Attached("INV-1.pdf", "application/pdf", b"%PDF-1.7")


async def come_due(superuser: Any, id: UUID) -> None:
    """Let the time of the next attempt come."""
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute(
        "update mail.message set next_attempt_at = now() - interval '1 s', leased_until = "
        "case when leased_until is not null then now() - interval '1 s' end where id = $1", id,
    )  # fmt: skip
    await superuser.execute("reset session_replication_role")


async def test_a_letter_arrives_with_both_bodies_and_its_document(
    database: Database, worker: Database, tenant: TenantFixture, post: Post
) -> None:
    made = await queued(database, tenant, Letter(**{**_fields(LETTER), "attachment": ("invoice", DOCUMENT)}))
    with post_office(post) as office:
        await Courier(worker, relay_to(office), {"invoice": attach}).deliver(tenant.id, made)
    (letter,) = post.letters
    assert (await state_of(database, tenant, made)).state == "sent"
    assert letter["To"] == "ada@example.com"
    assert letter["From"] == "Nordlicht & Söhne <post@stockade.example>"
    assert letter["Message-ID"] == f"<{made}@stockade.example>"
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Dear <Ada>" in plain.get_content()
    assert "Amount: 12.00 EUR" in plain.get_content()
    assert "Dear &lt;Ada&gt;" in html.get_content()
    (document,) = letter.iter_attachments()
    assert document.get_content() == b"%PDF-1.7"


async def test_a_letter_is_handed_over_once_however_often_it_is_its_turn(
    database: Database, worker: Database, tenant: TenantFixture, post: Post
) -> None:
    made = await queued(database, tenant)
    with post_office(post) as office:
        courier = Courier(worker, relay_to(office), {})
        await courier.deliver(tenant.id, made)
        await courier.deliver(tenant.id, made)
        await courier.deliver_due([tenant.id])
    assert len(post.letters) == 1


async def test_a_refusal_for_now_is_tried_again_later_under_the_same_message_id(
    database: Database, worker: Database, tenant: TenantFixture, post: Post, superuser: Any
) -> None:
    post.answers = ["451 Try later"]
    made = await queued(database, tenant)
    with post_office(post) as office:
        courier = Courier(worker, relay_to(office), {})
        await courier.deliver(tenant.id, made)
        failed = await state_of(database, tenant, made)
        assert (failed.state, failed.attempts) == ("failed", 1)
        assert failed.last_error is not None
        assert "451" in failed.last_error
        assert failed.next_attempt_at > now() + timedelta(seconds=30)
        await courier.deliver_due([tenant.id])
        assert post.letters == []
        await come_due(superuser, made)
        await courier.deliver_due([tenant.id])
    assert [letter["Message-ID"] for letter in post.letters] == [f"<{made}@stockade.example>"]
    assert (await state_of(database, tenant, made)).state == "sent"


@pytest.mark.parametrize("refusal", ["refused", "answers"])
async def test_a_refusal_for_good_is_given_up_with_the_relays_words(
    database: Database, worker: Database, tenant: TenantFixture, post: Post, refusal: str
) -> None:
    setattr(post, refusal, ["550 No such user here"])
    made = await queued(database, tenant)
    with post_office(post) as office:
        await Courier(worker, relay_to(office), {}).deliver(tenant.id, made)
    given_up = await state_of(database, tenant, made)
    assert given_up.state == "given_up"
    assert "No such user here" in str(given_up.last_error)


async def test_a_relay_that_is_not_there_is_tried_until_the_waits_are_over(
    database: Database, worker: Database, tenant: TenantFixture, superuser: Any
) -> None:
    nowhere = Relay("127.0.0.1", 9, "none", None, None, "post@stockade.example")
    made = await queued(database, tenant)
    courier = Courier(worker, nowhere, {})
    for _ in delivering.WAITS:
        await courier.deliver(tenant.id, made)
        assert (await state_of(database, tenant, made)).state == "failed"
        await come_due(superuser, made)
    await courier.deliver(tenant.id, made)
    assert (await state_of(database, tenant, made)).state == "given_up"


async def test_without_a_relay_a_letter_is_kept_and_told_as_not_sent(
    database: Database, worker: Database, tenant: TenantFixture
) -> None:
    made = await queued(database, tenant)
    await Courier(worker, None, {}).deliver(tenant.id, made)
    kept = await state_of(database, tenant, made)
    assert (kept.state, kept.last_error) == ("given_up", "no-relay")


async def test_a_letter_whose_worker_ended_before_its_text_is_tried_again(
    database: Database, worker: Database, tenant: TenantFixture, post: Post, superuser: Any
) -> None:
    made = await queued(database, tenant)
    with post_office(post) as office:
        courier = Courier(worker, relay_to(office), {})
        assert await courier._lease(tenant.id, made) is not None
        await courier.deliver_due([tenant.id])
        assert post.letters == []
        await come_due(superuser, made)
        await courier.deliver_due([tenant.id])
    assert len(post.letters) == 1


async def test_a_letter_whose_worker_ended_with_its_text_is_not_sent_twice(
    database: Database, worker: Database, tenant: TenantFixture, post: Post, superuser: Any
) -> None:
    made = await queued(database, tenant)
    with post_office(post) as office, _killed_after_data() as killed:
        courier = Courier(worker, relay_to(office), {})
        with pytest.raises(killed):
            await courier.deliver(tenant.id, made)
    with post_office(post) as office:
        courier = Courier(worker, relay_to(office), {})
        await come_due(superuser, made)
        await courier.deliver_due([tenant.id])
    unclear = await state_of(database, tenant, made)
    assert (unclear.state, unclear.last_error) == ("given_up", "unclear")
    assert len(post.letters) == 1


async def test_starttls_is_demanded_and_its_certificate_verified(
    database: Database, worker: Database, tenant: TenantFixture, post: Post, tmp_path: Path
) -> None:
    context, trusted = certificate(tmp_path)
    first, second, third = [await queued(database, tenant) for _ in range(3)]
    with post_office(post, tls_context=context, require_starttls=True) as office:
        await Courier(worker, relay_to(office, "starttls", trusted), {}).deliver(tenant.id, first)
        await Courier(worker, relay_to(office, "starttls"), {}).deliver(tenant.id, second)
    with post_office(post) as office:
        await Courier(worker, relay_to(office, "starttls", trusted), {}).deliver(tenant.id, third)
    states = [(await state_of(database, tenant, made)).state for made in (first, second, third)]
    assert states == ["sent", "failed", "failed"]
    assert post.was_encrypted == [True]


@pytest.mark.parametrize("field", ["to", "subject", "sender_name", "reply_to"])
async def test_no_line_break_gets_into_a_head(database: Database, tenant: TenantFixture, field: str) -> None:
    value = "ada@example.com\r\nBcc: eve@example.com"
    with pytest.raises(Invalid):
        await queued(database, tenant, Letter(**{**_fields(LETTER), field: value}))


@pytest.mark.parametrize("address", ["ada", "ada@localhost", "a@example.com, b@example.com", "Ada <a@example.com>"])
async def test_a_letter_goes_to_one_address(database: Database, tenant: TenantFixture, address: str) -> None:
    with pytest.raises(Invalid):
        await queued(database, tenant, Letter(**{**_fields(LETTER), "to": address}))


async def test_a_tenant_sends_a_bounded_number_an_hour(
    database: Database, tenant: TenantFixture, make_tenant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_AN_HOUR <= 1000
    monkeypatch.setattr("stockade.mail.sending.MOST_AN_HOUR", 3)
    for _ in range(3):
        await queued(database, tenant)
    with pytest.raises(TooManyLetters):
        await queued(database, tenant)
    await queued(database, await make_tenant())


async def test_a_letter_is_signed_as_the_tenant_has_set(
    database: Database, worker: Database, tenant: TenantFixture, post: Post
) -> None:
    change = MailSettingChange(
        expected_version=0, sender_name="Accounts", reply_to="accounts@nordlicht.example", signature="Eva\nAccounts"
    )
    async with database.transaction(tenant.principal) as tx:
        await set_setting(tx, change)
    made = await queued(database, tenant)
    with post_office(post) as office:
        await Courier(worker, relay_to(office), {}).deliver(tenant.id, made)
    (letter,) = post.letters
    body = letter.get_body(("plain",))
    assert body is not None
    assert (letter["Reply-To"], letter["From"].addresses[0].display_name) == ("accounts@nordlicht.example", "Accounts")
    assert body.get_content().splitlines()[-2:] == ["Eva", "Accounts"]


async def test_only_what_was_given_up_is_sent_again(
    database: Database, worker: Database, tenant: TenantFixture, post: Post
) -> None:
    made = await queued(database, tenant)
    async with database.transaction(tenant.principal) as tx:
        with pytest.raises(NotGivenUp):
            await send_again(tx, made, new_id())
    await Courier(worker, None, {}).deliver(tenant.id, made)
    async with database.transaction(tenant.principal) as tx:
        again = await send_again(tx, made, new_id())
    with post_office(post) as office:
        await Courier(worker, relay_to(office), {}).deliver(tenant.id, again)
    assert [letter["Message-ID"] for letter in post.letters] == [f"<{again}@stockade.example>"]


def _fields(letter: Letter) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in letter.__struct_fields__}


@contextmanager
def _killed_after_data() -> Iterator[type[BaseException]]:
    """End the worker between the relay's answer and its record, as a kill would."""

    class Killed(BaseException):
        pass

    async def settle(*given: Any) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Courier, "_settle", settle)
        yield Killed
