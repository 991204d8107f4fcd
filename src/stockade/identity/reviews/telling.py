"""Letters of a review to those who can decide: that it opened, a week before its last day, on it, and how it ended."""

from datetime import datetime, timedelta

import msgspec

from stockade.database.statements import raw
from stockade.identity.reviews.reading import ReviewRow, list_reviews
from stockade.identity.reviews.rules import letters_due
from stockade.kernel.problems import Problem
from stockade.mail.letters import Letter
from stockade.mail.sending import send
from stockade.tenancy.transaction import Transaction

SENDER = "Stockade"
_SUBJECTS = {
    1: "Access review {period}: look at who has access",
    2: "Access review {period}: a week is left",
    3: "Access review {period}: today is the last day",
}
_WHAT_TO_DO = (
    "Open Access review in the panel, and decide for each person and key whether it keeps its access. "
    "Somebody else decides on yours."
)
_THEN = {
    "nothing": "What nobody decides stays as it is, and the review says so.",
    "remove": "What nobody decides is removed when the review ends.",
}


class Told(msgspec.Struct, frozen=True):
    """Who is written to."""

    email: str
    name: str


_DECIDERS = raw(
    "select email, name from identity.people() where state = 'active' and role in ('owner', 'admin') order by email",
    "",
    Told,
)
_LOCK = raw(
    "select reminded from identity.access_review where tenant_id = $1 and id = $2 and closed_at is null for update",
    "this_tenant id",
    int,
)
_REMINDED = raw(
    "update identity.access_review set reminded = $3 where tenant_id = $1 and id = $2", "this_tenant id reminded"
)


async def remind(tx: Transaction, at: datetime) -> int:
    """Send the letters that are due of the reviews that are open, each once; return how many left.

    A reminder goes only while something is undecided. A tenant that has used up its letters for this hour gets this
    one later.
    """
    sent = 0
    for review in await list_reviews(tx):
        due = letters_due(review.opened_at, review.due_at, at)
        if review.closed_at is not None or not review.reminders or review.reminded >= due:
            continue
        reminded = await _LOCK.first(tx, id=review.id)
        if reminded is None or reminded >= due:
            continue
        left = 0 if due > 1 and review.settled == review.total else await _write(tx, _letter_of(review, due))
        if left is not None:
            await _REMINDED.run(tx, id=review.id, reminded=due)
            sent += left
    return sent


async def tell_closed(tx: Transaction, review: ReviewRow) -> None:
    """Say how a review ended that closed by itself."""
    if review.reminders:
        facts = [
            ("Reviewed", str(review.total)), ("Kept", str(review.kept)), ("Changed", str(review.changed)),
            ("Removed", str(review.removed)), ("Nobody decided", str(review.total - review.settled)),
        ]  # fmt: skip
        body = "The review is over. Its list, with every decision, stands in the panel and can be downloaded."
        await _write(tx, (f"Access review {review.period} is closed", body, facts))


def _letter_of(review: ReviewRow, stage: int) -> tuple[str, str, list[tuple[str, str]]]:
    last_day = review.due_at - timedelta(days=1)
    facts = [
        ("To decide", f"{review.total - review.settled} of {review.total}"), ("Last day", f"{last_day:%Y-%m-%d} (UTC)")
    ]  # fmt: skip
    return _SUBJECTS[stage].format(period=review.period), f"{_WHAT_TO_DO}\n\n{_THEN[review.undecided]}", facts


async def _write(tx: Transaction, letter: tuple[str, str, list[tuple[str, str]]]) -> int | None:
    """Write to everybody who can decide; return how many letters left, None if none was let through."""
    subject, body, facts = letter
    sent, people = 0, await _DECIDERS.all(tx)
    for person in people:
        try:
            await send(tx, Letter(to=person.email, subject=subject, body=body, facts=facts, sender_name=SENDER))
        except Problem:
            continue
        sent += 1
    return sent if sent or not people else None
