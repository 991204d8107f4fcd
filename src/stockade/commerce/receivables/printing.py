"""A customer's statement as PDF."""

from stockade.commerce.invoicing.printing import buyer_party, instructions, seller_party
from stockade.commerce.invoicing.rules import Seller
from stockade.commerce.parties.printing import Paper, locale_of
from stockade.commerce.parties.service.branding import dress
from stockade.commerce.receivables.service.balances import Ageing
from stockade.commerce.receivables.service.statements import CustomerStatement, Entry
from stockade.documents import AgeingBucket, Locale, StatementDocument, StatementEntry
from stockade.kernel.money import Money
from stockade.tenancy.transaction import Transaction

_UNALLOCATED = {
    "en": "Payments and credit of {amount} are not matched to invoices yet and are deducted from what is not yet due.",
    "pl": "Wpłaty i korekty ({amount}) nie są jeszcze rozliczone z fakturami i pomniejszają kwotę przed terminem.",
}
_TERMS = {"en": "Please quote your customer number.", "pl": "Prosimy o podanie numeru kontrahenta."}


async def paper_of(tx: Transaction, statement: CustomerStatement, seller: Seller) -> Paper:
    """Return what is typeset of a statement."""
    return Paper((printed(statement, seller),), await dress(tx))


def printed(statement: CustomerStatement, seller: Seller) -> StatementDocument:
    """Return the document that is printed."""
    locale = locale_of(seller.locale)
    ageing = statement.ageing
    overdue = ageing.days_1_30 + ageing.days_31_60 + ageing.days_61_90 + ageing.days_over_90
    opening = StatementEntry(on=statement.from_on, kind="opening", balance=statement.opening)
    return StatementDocument(
        seller=seller_party(seller), customer=buyer_party(statement.customer, locale), as_of=statement.to_on,
        currency=statement.currency, entries=(opening, *(_entry(entry) for entry in statement.entries)),
        ageing=_buckets(ageing), balance=statement.closing, customer_number=statement.customer.number,
        from_on=statement.from_on, overdue=overdue,
        payment=instructions(seller, statement.customer.number, _TERMS[locale]), notes=_notes(ageing, locale),
        locale=locale,
    )  # fmt: skip


def _entry(entry: Entry) -> StatementEntry:
    charged = entry.amount.amount_minor > 0
    return StatementEntry(
        on=entry.on, kind=entry.kind, balance=entry.balance, number=entry.number, due_on=entry.due_on,
        debit=entry.amount if charged else None, credit=None if charged else -entry.amount,
    )  # fmt: skip


def _buckets(ageing: Ageing) -> tuple[AgeingBucket, ...]:
    """The printed buckets sum to the balance, so what is not matched yet is deducted from what is not yet due."""
    return (
        AgeingBucket(None, None, ageing.not_due - ageing.unallocated),
        AgeingBucket(1, 30, ageing.days_1_30),
        AgeingBucket(31, 60, ageing.days_31_60),
        AgeingBucket(61, 90, ageing.days_61_90),
        AgeingBucket(91, None, ageing.days_over_90),
    )


def _notes(ageing: Ageing, locale: Locale) -> tuple[str, ...]:
    if ageing.unallocated == Money(0, ageing.unallocated.currency):
        return ()
    return (_UNALLOCATED[locale].format(amount=ageing.unallocated),)
