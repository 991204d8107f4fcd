"""Handing letters over to the relay, at most once each as far as SMTP allows.

The text of a letter is given to the relay after a mark that says so was committed. Whatever ends the worker before the
mark lets the letter be tried again; whatever ends it between the mark and the relay's answer leaves nobody who knows
whether the letter left (RFC 5321, section 4.5.3.2.6 calls it unavoidable), and then it is not tried again: a person
sees that, and decides. Every attempt carries the same Message-ID.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from uuid import UUID

import msgspec
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from stockade.database.statements import Statement, raw
from stockade.kernel.clock import now
from stockade.kernel.problems import NotFound
from stockade.mail.letters import Attached, Sealed, message_of
from stockade.mail.relay import Relay
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

Attach = Callable[[Transaction, UUID], Awaitable[Callable[[], Attached]]]
"""Reads a document inside a transaction; what it returns typesets it, in a thread and without one."""
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 20, 60, 180, 360, 720))
"""How long after each failed attempt the next one follows; after the last, the letter is given up."""
LEASE = timedelta(minutes=10)
SECONDS = 60.0
"""How long the relay may take for each of its answers."""
JOB_SECONDS = 120.0
AT_ONCE = 50
NO_RELAY, UNCLEAR, NO_DOCUMENT = "no-relay", "unclear", "no-document"
"""Codes in ``last_error``, in the place of a relay's words."""


class _Leased(Sealed, frozen=True):
    """A letter that this worker alone holds."""

    attachment_kind: str | None
    attachment_id: UUID | None
    attempts: int
    message_id: str


class _Outcome(msgspec.Struct, frozen=True):
    """What became of an attempt: the new state, and why."""

    state: str
    error: str | None = None
    wait: timedelta | None = None


_LEASE: Statement[_Leased] = raw(
    """
    update mail.message set attempts = attempts + 1, leased_until = $3, message_id = coalesce(message_id, $4)
    where tenant_id = $1 and id = $2 and state in ('queued', 'failed') and handed_over_at is null
        and next_attempt_at <= $5 and (leased_until is null or leased_until < $5)
    returning to_address, reply_to, sender_name, subject, text, html, attachment_kind, attachment_id, attempts,
        message_id
    """,
    "this_tenant id until message_id now",
    _Leased,
)
_HAND_OVER = raw(
    "update mail.message set handed_over_at = $3 where tenant_id = $1 and id = $2 and handed_over_at is null",
    "this_tenant id now",
)
_SETTLE = raw(
    """
    update mail.message set state = $3, last_error = $4, next_attempt_at = coalesce($5, next_attempt_at),
        sent_at = $6, leased_until = null, handed_over_at = case when $3 = 'failed' then null else handed_over_at end
    where tenant_id = $1 and id = $2
    """,
    "this_tenant id state error next_at sent_at",
)
_ABANDONED = raw(
    f"""
    update mail.message set state = 'given_up', last_error = '{UNCLEAR}', leased_until = null
    where tenant_id = $1 and state in ('queued', 'failed') and handed_over_at is not null and leased_until < $2
    """,
    "this_tenant now",
)
_DUE = raw(
    """
    select id from mail.message where tenant_id = $1 and state in ('queued', 'failed') and next_attempt_at <= $2
        and handed_over_at is null and (leased_until is null or leased_until < $2)
    order by next_attempt_at limit $3
    """,
    "this_tenant now most",
    UUID,
)


class Courier:
    """Hands letters over: the worker's way to the database, the relay, and who typesets which kind of document."""

    def __init__(self, database: Database, relay: Relay | None, attach: Mapping[str, Attach]) -> None:
        self.database = database
        self.relay = relay
        self.attach = attach

    async def deliver(self, tenant_id: UUID, id: UUID) -> None:
        """Try to hand one letter over, if it is its turn and nobody else has it."""
        letter = await self._lease(tenant_id, id)
        if letter is not None:
            await self._settle(tenant_id, id, await self._attempt(tenant_id, id, letter))

    async def deliver_due(self, tenants: Iterable[UUID]) -> None:
        """Try every letter whose time has come again, or whose worker ended; give up those that nobody knows of."""
        for tenant_id in tenants:
            async with self._open(tenant_id) as tx:
                await _ABANDONED.run(tx, now=now())
                due = await _DUE.all(tx, now=now(), most=AT_ONCE)
            for one in due:
                await self.deliver(tenant_id, one)

    def _open(self, tenant_id: UUID) -> AbstractAsyncContextManager[Transaction]:
        return self.database.transaction(Principal.system(tenant_id, kind=ActorKind.JOB), valid_seconds=JOB_SECONDS)

    async def _lease(self, tenant_id: UUID, id: UUID) -> _Leased | None:
        at = now()
        name = f"<{id}@{self.relay.domain if self.relay else 'localhost'}>"
        async with self._open(tenant_id) as tx:
            return await _LEASE.first(tx, id=id, until=at + LEASE, message_id=name, now=at)

    async def _settle(self, tenant_id: UUID, id: UUID, outcome: _Outcome) -> None:
        at = now()
        async with self._open(tenant_id) as tx:
            await _SETTLE.run(
                tx, id=id, state=outcome.state, error=outcome.error, sent_at=at if outcome.state == "sent" else None,
                next_at=None if outcome.wait is None else at + outcome.wait,
            )  # fmt: skip

    async def _attempt(self, tenant_id: UUID, id: UUID, letter: _Leased) -> _Outcome:
        if self.relay is None:
            return _Outcome("given_up", NO_RELAY)
        try:
            attached = await self._attached(tenant_id, letter)
        except (NotFound, KeyError):
            return _Outcome("given_up", NO_DOCUMENT)
        message = message_of(
            letter, from_address=self.relay.from_address, message_id=letter.message_id, dated=now(), attached=attached
        )
        return await self._hand_over(tenant_id, id, letter, self.relay, message.as_bytes())

    async def _attached(self, tenant_id: UUID, letter: _Leased) -> Attached | None:
        if letter.attachment_kind is None or letter.attachment_id is None:
            return None
        async with self._open(tenant_id) as tx:
            typeset = await self.attach[letter.attachment_kind](tx, letter.attachment_id)
        return await asyncio.to_thread(typeset)

    async def _hand_over(
        self, tenant_id: UUID, id: UUID, letter: _Leased, relay: Relay, content: bytes
    ) -> _Outcome:  # fmt: skip
        """Speak SMTP; the mark is committed between the last refusal that costs nothing and the text."""
        handed_over = False
        client = client_of(relay)
        try:
            async with client:
                await client.mail(relay.from_address)
                await client.rcpt(letter.to_address)
                async with self._open(tenant_id) as tx:
                    if not await _HAND_OVER.run(tx, id=id, now=now()):
                        return _Outcome("given_up", UNCLEAR)
                handed_over = True
                await client.data(content)
                return _Outcome("sent")
        except SMTPResponseException as refused:
            return outcome_of(refused, letter.attempts)
        except (SMTPException, OSError) as error:
            if handed_over:
                return _Outcome("given_up", UNCLEAR)
            return _again(f"{type(error).__name__}: {error}", letter.attempts)


def client_of(relay: Relay) -> SMTP:
    """Return a client that connects as the relay demands: with verified TLS, unless it may do without."""
    return SMTP(
        hostname=relay.host, port=relay.port, username=relay.username, password=relay.password, timeout=SECONDS,
        use_tls=relay.tls == "start", start_tls=relay.tls == "starttls",
        tls_context=relay.context() if relay.tls != "none" else None,
    )  # fmt: skip


def outcome_of(refused: SMTPResponseException, attempts: int) -> _Outcome:
    """Return what a refusal means: 5xx for good, 4xx for now (RFC 5321, section 4.2.1).

    A login that is refused (535) is the relay's settings' fault, not the letter's: it is tried again.
    """
    words = f"{refused.code} {refused.message}"
    if 500 <= refused.code < 600 and refused.code not in (530, 534, 535, 538):
        return _Outcome("given_up", words[:500])
    return _again(words, attempts)


def _again(words: str, attempts: int) -> _Outcome:
    if attempts > len(WAITS):
        return _Outcome("given_up", words[:500])
    return _Outcome("failed", words[:500], WAITS[attempts - 1])
