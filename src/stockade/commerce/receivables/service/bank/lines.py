"""Lines of a statement with what is proposed for each: read by the page, and matched as it stands now.

Three statements for a page of lines, however many invoices there are: the lines, whose they may be, and what is open of
those; the rules do the rest.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import msgspec

from stockade.access.pages import Page, decode_cursor, encode_cursor
from stockade.commerce.receivables.matching import (
    Choice,
    Hint,
    Incoming,
    OpenInvoice,
    Reason,
    choices,
    name_key,
    payer_keys,
    payer_named,
    spellings,
)
from stockade.commerce.receivables.rules import oldest_first
from stockade.database.statements import raw
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

MOST_OF_ONE = 60
"""How many open invoices of one customer are looked at: the oldest."""
MOST_OF_AN_AMOUNT = 6


class BankLine(msgspec.Struct, frozen=True):
    """A line as it came; ``amount_minor`` is positive where money came in."""

    id: UUID
    statement_id: UUID
    position: int
    booked_on: date
    currency: str
    amount_minor: int
    payer: str
    account: str
    purpose: str
    state: str
    payment_id: UUID | None
    payment_customer_id: UUID | None
    version: int

    @property
    def amount(self) -> Money:
        """What moved."""
        return Money(self.amount_minor, self.currency)

    def incoming(self) -> Incoming:
        """Return what matching looks at."""
        return Incoming(
            amount_minor=self.amount_minor, currency=self.currency, payer=self.payer, account=self.account,
            purpose=self.purpose,
        )  # fmt: skip


class Payer(msgspec.Struct, frozen=True):
    """A customer that a line may be from."""

    id: UUID
    number: str
    name: str


class Proposed(msgspec.Struct, frozen=True):
    """Lines with the ways to book them, the best first, and what the ids in those are called."""

    lines: list[BankLine]
    choices: dict[UUID, list[Choice]]
    customers: dict[UUID, Payer]
    invoices: dict[UUID, OpenInvoice]
    next: str | None = None

    def open_of(self, customer_id: UUID, currency: str) -> list[OpenInvoice]:
        """Return what a customer has open in a currency, as far as it was looked at, the one due first at the top."""
        return [it for it in self.invoices.values() if (it.customer_id, it.currency) == (customer_id, currency)]

    def choice_for(self, line: BankLine, customer_id: UUID | None) -> Choice | None:
        """Return how a line would be booked for a customer that somebody chose; without one, the best choice."""
        found = self.choices.get(line.id, [])
        if customer_id is None:
            return found[0] if found else None
        if (choice := next((one for one in found if one.customer_id == customer_id), None)) is not None:
            return choice
        if customer_id not in self.customers:
            return None
        parts = oldest_first(self.open_of(customer_id, line.currency), line.amount_minor)
        return Choice(customer_id=customer_id, parts=tuple(parts.items()), reasons=(), certainty="none")


class _Hinted(msgspec.Struct, frozen=True):
    kind: str
    key: str
    customer_id: UUID
    number: str
    name: str


class _Item(msgspec.Struct, frozen=True):
    invoice_id: UUID
    number: str
    customer_id: UUID
    due_on: date
    open_minor: int
    currency: str
    customer_number: str
    customer_name: str


_LINE = """
    select l.id, l.statement_id, l.position, l.booked_on, l.currency, l.amount_minor, l.payer, l.account, l.purpose,
        l.state, l.payment_id, p.customer_id, l.version
    from receivables.bank_line l
    left join receivables.payment p on p.tenant_id = $1 and p.id = l.payment_id
    where l.tenant_id = $1
"""
_LIST = raw(
    f"{_LINE} and l.statement_id = $2 and ($3::text is null or l.state = $3) and l.position > $4::bigint "
    "order by l.position limit $5",
    "this_tenant statement_id state after limit",
    BankLine,
)
_READ = raw(f"{_LINE} and l.id = $2", "this_tenant id", BankLine)
_HINTS = raw(
    """
    select h.kind, h.key, c.id, c.number, c.name from (
        select 'learned' as kind, b.key, b.customer_id from receivables.bank_payer b
        where b.tenant_id = $1 and b.key = any($2)
        union all
        select 'customer_number', n.number, n.id from parties.customer n where n.tenant_id = $1 and n.number = any($3)
        union all
        select 'name', n.name, n.id from parties.customer n
        where n.tenant_id = $1 and split_part(lower(n.name), ' ', 1) = any($4)
        union all
        select 'given', '', given.id from unnest($5::uuid[]) as given (id)
    ) h join parties.customer c on c.tenant_id = $1 and c.id = h.customer_id
    """,
    "this_tenant keys numbers words given",
    _Hinted,
)
_ITEM = (
    "t.invoice_id, t.customer_id, t.due_on, t.open_minor, t.currency from receivables.open_item t "
    "where t.tenant_id = $1 and t.open_minor > 0"
)
_ITEMS = raw(
    f"""
    with found as (
        select {_ITEM} and t.invoice_id in (
            select i.id from invoicing.invoice i where i.tenant_id = $1 and i.number = any($2))
        union
        select f.* from unnest($3::uuid[]) as given (id) cross join lateral (
            select {_ITEM} and t.customer_id = given.id order by t.due_on, t.invoice_id limit {MOST_OF_ONE}) f
        union
        select f.* from unnest($4::bigint[]) as given (amount) cross join lateral (
            select {_ITEM} and t.open_minor = given.amount limit {MOST_OF_AN_AMOUNT}) f
    )
    select f.invoice_id, i.number, f.customer_id, f.due_on, f.open_minor, f.currency, c.number, c.name
    from found f
    join invoicing.invoice i on i.tenant_id = $1 and i.id = f.invoice_id
    join parties.customer c on c.tenant_id = $1 and c.id = f.customer_id
    order by f.due_on, f.invoice_id
    """,
    "this_tenant numbers customers amounts",
    _Item,
)


async def read_line(tx: Transaction, line_id: UUID) -> BankLine:
    """Return a line."""
    return await _READ.one(tx, id=line_id)


async def propose_line(tx: Transaction, line_id: UUID, customer_id: UUID | None = None) -> Proposed:
    """Return a line with the ways to book it; ``customer_id`` is one that somebody has chosen for it."""
    return await _proposed(tx, [await read_line(tx, line_id)], [customer_id] if customer_id else [])


async def propose_lines(
    tx: Transaction, statement_id: UUID, *, state: str | None = None, after: str | None = None, limit: int = 50,
    chosen: UUID | None = None,
) -> Proposed:  # fmt: skip
    """Return a statement's lines in the file's order, with the ways to book those that are open."""
    position = decode_cursor(after, (int,))[0] if after else 0
    rows = await _LIST.all(tx, statement_id=statement_id, state=state, after=position, limit=limit + 1)
    page = rows[:limit]
    proposed = await _proposed(tx, page, [chosen] if chosen else [])
    following = encode_cursor(page[-1].position) if len(rows) > limit else None
    return msgspec.structs.replace(proposed, next=following)


async def list_lines(
    tx: Transaction, statement_id: UUID, *, state: str | None = None, after: str | None = None, limit: int = 50
) -> Page[BankLine]:  # fmt: skip
    """Return a statement's lines in the file's order."""
    position = decode_cursor(after, (int,))[0] if after else 0
    rows = await _LIST.all(tx, statement_id=statement_id, state=state, after=position, limit=limit + 1)
    page = rows[:limit]
    return Page(page, encode_cursor(page[-1].position) if len(rows) > limit else None)


async def _proposed(tx: Transaction, lines: list[BankLine], given: Sequence[UUID]) -> Proposed:
    waiting = [line for line in lines if line.state == "open"]
    if not waiting and not given:
        return Proposed(lines, {}, {}, {})
    spelled = {line.id: spellings(f"{line.purpose} {line.payer}") for line in waiting}
    hinted = await _hinted(tx, waiting, spelled, [*given, *_payers_of(waiting)])
    items = await _ITEMS.all(
        tx, numbers=_all(spelled.values()), customers=list({hint.customer_id for hint in hinted}),
        amounts=list({line.amount_minor for line in waiting}),
    )  # fmt: skip
    customers = {hint.customer_id: Payer(hint.customer_id, hint.number, hint.name) for hint in hinted}
    customers |= {item.customer_id: Payer(item.customer_id, item.customer_number, item.customer_name) for item in items}
    invoices = {item.invoice_id: _open_invoice(item) for item in items}
    found = {
        line.id: _only_the_payers(line, choices(line.incoming(), invoices.values(), _hints(line, spelled, hinted)))
        for line in waiting
    }
    return Proposed(lines, found, customers, invoices)


async def _hinted(
    tx: Transaction, lines: Sequence[BankLine], spelled: dict[UUID, list[str]], given: Sequence[UUID]
) -> list[_Hinted]:  # fmt: skip
    return await _HINTS.all(
        tx, keys=[key for line in lines for key, _ in payer_keys(line.payer, line.purpose, line.account)],
        numbers=_all(spelled.values()), words=list({word for line in lines for word in _first_words(line)}),
        given=list(given),
    )  # fmt: skip


def _hints(line: BankLine, spelled: dict[UUID, list[str]], hinted: Sequence[_Hinted]) -> list[Hint]:
    """Return what speaks for customers in one line."""
    learned: dict[str, Reason] = dict(payer_keys(line.payer, line.purpose, line.account))
    numbers, name = set(spelled[line.id]), name_key(payer_named(line.payer, line.purpose))
    made = []
    for hint in hinted:
        if hint.kind == "learned" and hint.key in learned:
            made.append(Hint(hint.customer_id, learned[hint.key]))
        elif hint.kind == "customer_number" and hint.key in numbers:
            made.append(Hint(hint.customer_id, "customer_number"))
        elif hint.kind == "name" and _is_named(name, name_key(hint.name), begins=not line.payer):
            made.append(Hint(hint.customer_id, "name"))
    return made


def _first_words(line: BankLine) -> list[str]:
    """What a customer's name may begin with: a legal form or an article may come before it."""
    return payer_named(line.payer, line.purpose).lower().split()[:2]


def _is_named(name: str, customers: str, *, begins: bool) -> bool:
    """Whether a payer's name is the customer's; ``begins``: more words may follow, since it is a purpose."""
    return bool(customers) and (name == customers or (begins and len(customers) >= 6 and name.startswith(customers)))


def _payers_of(lines: Iterable[BankLine]) -> list[UUID]:
    return [line.payment_customer_id for line in lines if line.payment_customer_id is not None]


def _only_the_payers(line: BankLine, found: list[Choice]) -> list[Choice]:
    """Money that was booked before stays its customer's."""
    if line.payment_customer_id is None:
        return found
    return [choice for choice in found if choice.customer_id == line.payment_customer_id]


def _open_invoice(item: _Item) -> OpenInvoice:
    return OpenInvoice(
        invoice_id=item.invoice_id, number=item.number, customer_id=item.customer_id, due_on=item.due_on,
        open_minor=item.open_minor, currency=item.currency,
    )  # fmt: skip


def _all(lists: Iterable[list[str]]) -> list[str]:
    return list({text for texts in lists for text in texts})
