"""What a credit note would hold, before it is issued: the same rule, nothing locked and nothing written."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from stockade.commerce.invoicing.rules import Correction, Credited, Invoice, correct
from stockade.commerce.invoicing.service.crediting import STANDING, Standing
from stockade.commerce.invoicing.service.reading import decoded
from stockade.database.statements import raw
from stockade.tenancy.transaction import Transaction


class Creditable(msgspec.Struct, frozen=True):
    """An invoice with how much of each line is left to credit, by position, and what is open of it."""

    invoice: Invoice
    left: dict[int, int]
    credited: list[Credited]
    credited_minor: int
    open_minor: int

    def correction(self, lines: Sequence[tuple[int, int]] | None) -> Correction:
        """Return what crediting (position, quantity) each would amount to; ``CreditExceedsInvoice``."""
        wanted: dict[int, int] | None = None if lines is None else {}
        for position, quantity in lines or ():
            assert wanted is not None
            wanted[position] = wanted.get(position, 0) + quantity
        return correct(self.invoice, self.credited, self.credited_minor, wanted)


_READ = raw(STANDING, "this_tenant invoice_id", Standing)


async def read_creditable(tx: Transaction, invoice_id: UUID) -> Creditable:
    """Return what can be credited of an invoice; ``NotFound``, for a credit note too."""
    found = await _READ.one(tx, invoice_id=invoice_id)
    invoice = decoded(found.invoice)
    credited = msgspec.json.decode(found.credited, type=list[Credited])
    before = {row.position: row.quantity for row in credited}
    left = {line.position: line.quantity - before.get(line.position, 0) for line in invoice.lines}
    return Creditable(invoice, left, credited, found.credited_minor, found.open_minor)
