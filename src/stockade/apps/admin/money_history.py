"""What happened to invoices and payments, from the trail, in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stockade.commerce.desk.order import Event
from stockade.kernel.money import Money
from stockade.kernel.words import N_, said
from stockade.web.languages import language

Values = Mapping[str, Any]
_LETTERS = {
    "sent": N_("Letter sent"), "failed": N_("The relay did not take the letter; it is tried again"),
    "given_up": N_("The letter was given up"), "queued": N_("Letter queued"),
}  # fmt: skip


def told_entries(events: Sequence[Event], currency: str, locale: str) -> list[dict[str, Any]]:
    """Return entries of the trail as a timeline shows them, amounts in ``currency``; what has no words is left out."""
    spoken = language(locale)
    told = []
    for event in events:
        tell = _WORDS.get(event.action)
        text = tell(event.after or {}, currency) if tell else ""
        if text:
            detail = (event.after or {}).get("reason")
            told.append({"at": event.recorded_at, "actor": event.actor, "text": spoken.say(text), "detail": detail})
    return told


def _issued(after: Values, currency: str) -> str:
    if after.get("kind") == "credit_note":
        return said("Credit note {number} issued", number=after.get("number", ""))
    return said("Invoice {number} issued", number=after.get("number", ""))


def _allocated(after: Values, currency: str) -> str:
    amount = _money(after, currency)
    if amount.amount_minor < 0:
        return said("Allocation of {amount} taken back", amount=-amount)
    if after.get("write_off_id"):
        return said("{amount} written off", amount=amount)
    if after.get("credit_note_id"):
        return said("{amount} settled by a credit note", amount=amount)
    return said("{amount} allocated", amount=amount)


def _paid(after: Values, currency: str) -> str:
    return said("Payment of {amount} recorded", amount=_money(after, currency))


def _letter(after: Values, currency: str) -> str:
    return _LETTERS.get(str(after.get("state", "queued")), "")


def _line(after: Values, currency: str) -> str:
    if after.get("state") == "booked":
        return N_("Booked from a bank statement")
    return N_("Booking of the bank's line taken back") if after.get("state") == "open" else ""


def _money(after: Values, currency: str) -> Money:
    return Money(int(after.get("amount_minor") or 0), currency)


_WORDS: Mapping[str, Callable[[Values, str], str]] = {
    "invoicing.issued": _issued, "receivables.allocated": _allocated, "receivables.paid": _paid,
    "mail.queued": lambda after, currency: N_("Letter queued"), "mail.state_changed": _letter,
    "receivables.bank_line_changed": _line,
}  # fmt: skip
