"""Matching money that came in to what is open: what a bank's line says, and what it therefore probably pays.

People write an invoice's number in many ways (``inv 2026/123``, ``RGINV-2026-0 00123``), so texts and numbers are
compared as groups of letters and of digits. What is proposed is never booked by itself: a person confirms it. Pure
functions.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from stockade.commerce.receivables.rules import oldest_first
from stockade.kernel.words import N_

Reason = Literal["number", "amount", "account", "payer", "name", "customer_number", "oldest"]
Certainty = Literal["certain", "likely", "possible", "none"]
REASONS: Mapping[Reason, str] = {
    "number": N_("The purpose names the invoice"), "amount": N_("The amount is what is open"),
    "account": N_("This account has paid for the customer before"),
    "payer": N_("A payer of this name was matched before"), "name": N_("The payer's name is the customer's"),
    "customer_number": N_("The purpose names the customer's number"),
    "oldest": N_("The oldest invoices come first"),
}  # fmt: skip
CERTAINTIES: Mapping[Certainty, str] = {
    "certain": N_("Certain"), "likely": N_("Likely"), "possible": N_("Possible"), "none": N_("Not known"),
}  # fmt: skip
MOST_GROUPS = 4
MOST_SPELLINGS = 250
MOST_CHOICES = 6
_GROUPS = re.compile(r"[A-Z]+|\d+")
_TOKENS = re.compile(r"[^\s,;:()]+")
_NO_NAME = re.compile(r"[^\w]+|_")
_LEGAL_FORMS = frozenset({
    "gmbh", "mbh", "ag", "kg", "ohg", "ug", "co", "gbr", "ev", "sp", "z", "o", "oo", "zoo", "sa", "sc", "ltd",
    "limited", "llp", "plc", "llc", "inc", "and", "und", "i", "the", "firma",
})  # fmt: skip
_FOLDED = str.maketrans("äöüßąćęłńóśźżéèáíú", "aousacelnoszzeeaiu")


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """What a bank's line says about money that came in, in minor units."""

    amount_minor: int
    currency: str
    payer: str = ""
    account: str = ""
    purpose: str = ""


class OpenInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that is not paid in full."""

    invoice_id: UUID
    number: str
    customer_id: UUID
    due_on: date
    open_minor: int
    currency: str


class Hint(msgspec.Struct, frozen=True):
    """Why a line may be a customer's: ``account`` and ``payer`` were learned, the others stand in the line."""

    customer_id: UUID
    reason: Reason


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One way to book a line: whose it is, which invoices it settles with how much each, and why one thinks so."""

    customer_id: UUID
    parts: tuple[tuple[UUID, int], ...]
    reasons: tuple[Reason, ...]
    certainty: Certainty


_RANK: Mapping[Certainty, int] = {"certain": 0, "likely": 1, "possible": 2, "none": 3}
_HINTS: Sequence[Reason] = ("account", "payer", "customer_number", "name")


def spellings(text: str) -> list[str]:
    """Return what may be an invoice's or a customer's number in a text, as it would be written in full."""
    upper = text.upper()
    found = {token.strip(".-/#'\""): None for token in _TOKENS.findall(upper)}
    groups = _GROUPS.findall(upper)
    for at in range(len(groups)):
        for prefix in _prefixes(groups[at]):
            found |= dict.fromkeys(_written_out(prefix, groups[at + 1 : at + 3]))
    return [spelling for spelling in found if 3 <= len(spelling) <= 40][:MOST_SPELLINGS]


def _prefixes(group: str) -> list[str]:
    """A prefix that was run together with the word before it: ``RGINV`` may mean ``INV``."""
    return (
        [group[at:] for at in range(max(len(group) - 4, 0), len(group) - 1)] + [group] if group.isalpha() else [group]
    )


def _written_out(prefix: str, after: Sequence[str]) -> list[str]:
    made = [prefix]
    if after and after[0].isdigit():
        made += [f"{prefix}-{after[0]}", f"{prefix}{after[0]}", f"{prefix}-{after[0]:0>5}"]
    if len(after) == 2 and after[0].isdigit() and after[1].isdigit() and len(after[0]) == 4:
        made.append(f"{prefix}-{after[0]}-{after[1]:0>6}")
    if after and len(after[0]) > 4 and after[0].isdigit():
        made.append(f"{prefix}-{after[0][:4]}-{after[0][4:]:0>6}")
    return made


def key_of(number: str) -> str:
    """Return a number as its groups, the last one without noughts before it: ``INV-2026-0123`` is ``INV 2026 123``."""
    return _joined(_GROUPS.findall(number.upper()))


def keys_in(text: str) -> frozenset[str]:
    """Return every key that stands in a text, digits that a line break tore apart put together again."""
    groups = _GROUPS.findall(text.upper())
    together = [
        [*groups[:at], groups[at] + groups[at + 1], *groups[at + 2 :]]
        for at in range(len(groups) - 1)
        if groups[at].isdigit() and groups[at + 1].isdigit()
    ]
    keys: set[str] = set()
    for row in [groups, *together[:12]]:
        for start in range(len(row)):
            for prefix in _prefixes(row[start]):
                for end in range(start + 1, min(start + MOST_GROUPS, len(row)) + 1):
                    keys.add(_joined([prefix, *row[start + 1 : end]]))
                if start + 1 < len(row) and row[start + 1].isdigit() and len(row[start + 1]) > 4:
                    year, rest = row[start + 1][:4], row[start + 1][4:]
                    keys.add(_joined([prefix, year, rest]))
    return frozenset(keys)


def _joined(groups: Sequence[str]) -> str:
    if not groups:
        return ""
    last = groups[-1].lstrip("0") or "0" if groups[-1].isdigit() else groups[-1]
    return " ".join([*groups[:-1], last])


def name_key(name: str) -> str:
    """Return a name as it is compared: small letters without accents, marks and legal forms."""
    words = _NO_NAME.sub(" ", name.lower().translate(_FOLDED)).split()
    return "".join(word for word in words if word not in _LEGAL_FORMS)


def payer_named(payer: str, purpose: str) -> str:
    """Return who pays by name; where a bank has no column for that, the words of the purpose that hold no figure."""
    return payer or " ".join([word for word in purpose.split() if not any(map(str.isdigit, word))][:8])


def payer_keys(payer: str, purpose: str, account: str) -> list[tuple[str, Reason]]:
    """Return under which keys a payer is remembered, the more telling one first."""
    keys: list[tuple[str, Reason]] = []
    if len(account) >= 8:
        keys.append((f"account:{account}", "account"))
    if len(name := name_key(payer_named(payer, purpose))) >= 3:
        keys.append((f"name:{name[:100]}", "payer"))
    return keys


def choices(line: Incoming, items: Iterable[OpenInvoice], hints: Sequence[Hint]) -> list[Choice]:
    """Return the ways to book a line that something speaks for, the best one first."""
    open_items = [item for item in items if item.currency == line.currency and item.open_minor > 0]
    named = keys_in(f"{line.purpose} {line.payer}")
    by_customer: dict[UUID, list[OpenInvoice]] = {}
    for item in sorted(open_items, key=lambda item: (item.due_on, item.invoice_id)):
        by_customer.setdefault(item.customer_id, []).append(item)
    hinted: dict[UUID, list[Reason]] = {}
    for reason in _HINTS:
        for hint in hints:
            if hint.reason == reason and reason not in hinted.setdefault(hint.customer_id, []):
                hinted[hint.customer_id].append(reason)
    found = [
        choice
        for customer_id in dict.fromkeys([*hinted, *by_customer])
        if (choice := _choice(line, customer_id, by_customer.get(customer_id, []), hinted.get(customer_id, []), named))
    ]
    return _less_certain(sorted(found, key=_order))[:MOST_CHOICES]


def _order(choice: Choice) -> tuple[int, int, int]:
    settled = sum(amount for _, amount in choice.parts)
    return _RANK[choice.certainty], -len(choice.reasons), -settled


def _choice(
    line: Incoming, customer_id: UUID, items: Sequence[OpenInvoice], hints: Sequence[Reason], named: frozenset[str]
) -> Choice | None:  # fmt: skip
    """The best way to book a line as this customer's; None if nothing speaks for it."""
    of_number = [item for item in items if key_of(item.number) in named and _telling(item.number)]
    if of_number:
        whole = sum(item.open_minor for item in of_number) == line.amount_minor
        agreeing: tuple[Reason, ...] = ("number", "amount") if whole else ("number",)
        return Choice(
            customer_id=customer_id, parts=_spread(of_number, line.amount_minor), reasons=(*agreeing, *hints),
            certainty="certain" if whole else "likely",
        )  # fmt: skip
    exact = _exact(items, line.amount_minor)
    if exact:
        known = "account" in hints or "payer" in hints
        return Choice(
            customer_id=customer_id, parts=_spread(exact, line.amount_minor), reasons=(*hints, "amount"),
            certainty="certain" if known and len(exact) == 1 else "likely" if hints else "possible",
        )  # fmt: skip
    if not hints:
        return None
    parts = _spread(items, line.amount_minor)
    return Choice(
        customer_id=customer_id, parts=parts, reasons=(*hints, *(("oldest",) if parts else ())),
        certainty="likely" if hints[0] == "account" and parts else "possible",
    )  # fmt: skip


def _telling(number: str) -> bool:
    """Whether a number says something: a bare "12" stands in many purposes."""
    return sum(letter.isalnum() for letter in number) >= 4


def _exact(items: Sequence[OpenInvoice], amount_minor: int) -> list[OpenInvoice]:
    """The invoice that has just this amount open, if it is one alone; else the oldest ones that sum to it."""
    same = [item for item in items if item.open_minor == amount_minor]
    if len(same) == 1:
        return same
    total = 0
    for count, item in enumerate(items, start=1):
        total += item.open_minor
        if total == amount_minor:
            return list(items[:count])
    return same[:1]


def _spread(items: Sequence[OpenInvoice], amount_minor: int) -> tuple[tuple[UUID, int], ...]:
    return tuple(oldest_first(items, amount_minor).items())


def _less_certain(found: list[Choice]) -> list[Choice]:
    """Where two are equally good, neither is certain."""
    if len(found) > 1 and found[0].certainty == found[1].certainty == "certain":
        return [
            msgspec.structs.replace(one, certainty="likely") if one.certainty == "certain" else one for one in found
        ]
    return found
