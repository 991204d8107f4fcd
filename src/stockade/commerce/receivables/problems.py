"""What receivables refuse."""

from stockade.kernel.problems import Conflict
from stockade.tenancy.transaction import on_violation


class PaymentExists(Conflict):
    """A payment with this method and external id was recorded before, and it says something else."""

    type = "/problems/receivables/payment-exists"
    title = "Another payment has this external id"


class MoreThanOpen(Conflict):
    """More would be settled of an invoice than is open."""

    type = "/problems/receivables/more-than-open"
    title = "Less than that is open"


class MoreThanUnallocated(Conflict):
    """More would be spent of a payment or a credit note than is left of it."""

    type = "/problems/receivables/more-than-unallocated"
    title = "Less than that is left to allocate"


class AnotherCustomersInvoice(Conflict):
    """A payment settles invoices of the customer that paid, and no others."""

    type = "/problems/receivables/another-customers-invoice"
    title = "This invoice is another customer's"


class AlreadyTakenBack(Conflict):
    """The allocation was taken back before, takes another one back itself, or is a write-off."""

    type = "/problems/receivables/already-taken-back"
    title = "This allocation cannot be taken back"


class AlreadyRead(Conflict):
    """A bank's file is read once; its lines are there."""

    type = "/problems/receivables/already-read"
    title = "This file has been read already"


class LineNotOpen(Conflict):
    """A line of a bank is booked, set aside, or taken back only from the state before that."""

    type = "/problems/receivables/line-not-open"
    title = "This line is not in the state for that"


class LinePaidByAnother(Conflict):
    """The line's money was recorded as another customer's before, and a payment does not change hands."""

    type = "/problems/receivables/line-paid-by-another"
    title = "This money is recorded as another customer's"


on_violation("open_item_open_check", MoreThanOpen)
on_violation("payment_unallocated_check", MoreThanUnallocated)
on_violation("credit_unallocated_check", MoreThanUnallocated)
on_violation("allocation_reverses_id_uidx", AlreadyTakenBack)
