"""Answering a request for a letter: the worker finds out who is behind the address, and writes what they may have.

Nobody is behind it: no letter. A company that has its people sign in by its own sign-on: a letter that says so. One
that uses no passwords: a sign-in link. A company of the person's in which all of that is allowed comes first.
"""

import contextlib
from typing import Any, Literal
from uuid import UUID

import msgspec

from stockade.database.statements import Statement, raw
from stockade.identity.mailed import words
from stockade.identity.mailed.words import Words, letter_of, moment
from stockade.identity.service.sign_in import issue_link
from stockade.kernel.problems import Problem
from stockade.mail.sending import send
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

MOST_HOMES = 20
_TAKE = (
    "select wanted, email, browser_hash, locale, asked_from, account_id, verified, homes "
    "from identity.take_letter_request($1)"
)
_LEFT = "select identity.letter_requests_left()"


class Terms(msgspec.Struct, frozen=True):
    """What a company says about the ways in: whether it is a control's own, its passwords, its enforced sign-on."""

    is_probe: bool
    passwords_allowed: bool
    sign_on: UUID | None


_TERMS: Statement[Terms] = raw(
    """
    select t.is_probe,
        coalesce((select f.passwords_allowed from identity.factor_policy f where f.tenant_id = $1), true),
        (select c.id from identity.domain d
            join identity.connection c on c.tenant_id = $1 and c.id = d.connection_id
                and c.state = 'active' and c.enforced
            where d.tenant_id = $1 and d.domain = $2 and d.verified_at is not null)
    from tenancy.tenant t where t.id = $1
    """,
    "this_tenant domain",
    Terms,
)


class Asked(msgspec.Struct, frozen=True):
    """A request, and who is behind its address."""

    wanted: Literal["sign_in", "reset", "verify"]
    email: str
    browser_hash: bytes
    locale: str
    asked_from: str
    account_id: UUID
    verified: bool
    homes: list[UUID]


async def answer(worker: Database, origin: str, request_id: UUID) -> bool:
    """Answer one request, once; return whether a letter was written."""
    async with worker.main().acquire() as connection:
        row: Any = await connection.fetchrow(_TAKE, request_id)
    if row is None or row["account_id"] is None:
        return False
    asked = Asked(**row)
    for home, terms in await _by_rank(worker, asked):
        with contextlib.suppress(Problem):  # a suspended company, or one whose letters of this hour are spent
            async with worker.transaction(_job(home)) as tx:
                await _write(tx, origin, asked, terms)
            return True
    return False


async def answer_left(worker: Database, origin: str) -> None:
    """Answer the requests whose job was lost."""
    async with worker.main().acquire() as connection:
        left = [row[0] for row in await connection.fetch(_LEFT)]
    for request_id in left:
        await answer(worker, origin, request_id)


async def _by_rank(worker: Database, asked: Asked) -> list[tuple[UUID, Terms]]:
    """Return the person's companies, those first in which they get just what they asked for."""
    found: list[tuple[UUID, Terms]] = []
    for home in asked.homes[:MOST_HOMES]:
        with contextlib.suppress(Problem):
            async with worker.transaction(_job(home)) as tx:
                terms = await _TERMS.one(tx, domain=asked.email.rpartition("@")[2])
            if not terms.is_probe:  # the controls' own people have no letter box
                found.append((home, terms))
    return sorted(found, key=lambda item: (item[1].sign_on is not None, not item[1].passwords_allowed))


async def _write(tx: Transaction, origin: str, asked: Asked, terms: Terms) -> None:
    said, link = await _answer_of(tx, origin, asked, terms)
    facts = [(words.WHEN, moment()), (words.ASKED_FROM, asked.asked_from)]
    await send(tx, letter_of(said, to=asked.email, link=link, locale=asked.locale, facts=facts))


async def _answer_of(tx: Transaction, origin: str, asked: Asked, terms: Terms) -> tuple[Words, str]:
    """Return the words and the link. A mailed link is no way around a sign-on that is enforced, not even an owner's."""
    if terms.sign_on is not None:
        return words.BY_SIGN_ON, f"{origin}/sign-in/sso/{terms.sign_on}"
    if asked.wanted == "verify":
        secret = await issue_link(tx, asked.account_id, valid=words.VERIFY_VALID, vouched_by="mail")
        return words.VERIFY, f"{origin}/sign-in/once?token={secret}"
    resets = asked.wanted == "reset" and terms.passwords_allowed
    secret = await issue_link(
        tx, asked.account_id, valid=words.ASKED_VALID, vouched_by="mail", browser_hash=asked.browser_hash,
        purpose="reset" if resets else "sign_in",
    )  # fmt: skip
    if resets:
        return words.RESET, f"{origin}/sign-in/reset?token={secret}"
    return words.SIGN_IN if asked.wanted == "sign_in" else words.NO_PASSWORDS, f"{origin}/sign-in/once?token={secret}"


def _job(tenant_id: UUID) -> Principal:
    return Principal.system(tenant_id, kind=ActorKind.JOB)
