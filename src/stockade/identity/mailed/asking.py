"""Asking for a letter: the same answer after the same work, whether or not there is an account.

The request is written down, a job is queued, and that is all that happens while somebody waits. Who is behind the
address, the worker finds out (``answering``).
"""

from typing import Literal
from uuid import UUID

from stockade.identity.credentials import Credentials
from stockade.identity.service.sign_in import Visitor, hash_link
from stockade.identity.signing_in import brake
from stockade.identity.signing_in.brake import TooManyAttempts, subject
from stockade.jobs.queue import enqueue_before_tenant
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Problem
from stockade.kernel.words import said
from stockade.tenancy.transaction import Database

Wanted = Literal["sign_in", "reset", "verify"]
JOB = "identity_answer_letter_request"
"""The job that answers a request; it carries the request's id."""
_ASK = "select identity.ask_letter($1, $2, $3, $4, $5, $6)"


class LettersBraked(Problem):
    """Too many letters were asked for: to this address, or from here. Whether there is an account, it does not say."""

    type = "/problems/identity/letters-braked"
    title = "Too many letters were asked for"
    status = 429


async def ask(
    database: Database, credentials: Credentials, visitor: Visitor, *, email: str, wanted: Wanted, browser: str
) -> UUID:  # fmt: skip
    """Write down that somebody wants a letter, and queue its job; ``LettersBraked``.

    ``browser`` is the random value that the browser keeps: the link will work there, and nowhere else.
    """
    address = email.strip().lower()
    subjects = [
        subject(credentials, "letters", address),
        subject(credentials, "letters_address", visitor.address),
        subject(credentials, "letters_pair", address, visitor.address),
    ]
    try:
        await brake.check(database, subjects)
    except TooManyAttempts as braked:
        seconds = int(braked.members.get("retry_after", 0))
        waiting = said("A letter may be on its way already. Ask again in {minutes} minutes.", minutes=-(-seconds // 60))
        raise LettersBraked(waiting, retry_after=seconds) from None
    await brake.failed(database, subjects)
    request_id = new_id()
    async with database.gate().acquire() as connection:
        await connection.execute(_ASK, request_id, wanted, address, hash_link(browser), visitor.locale, visitor.address)
    await enqueue_before_tenant(database, JOB, request=request_id)
    return request_id
