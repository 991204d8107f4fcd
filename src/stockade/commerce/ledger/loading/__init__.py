"""The ledger import, its loading half: a ledger's documents become rows, set by set, and are counted again by SQL.

    with open_ledger(path, load_mapping("online-retail")) as ledger:
        loaded = await load(database, principal, ledger, progress=show)
    loaded.account.table()

What each thing becomes:
- **products**: active products of the catalogue, VAT category ``outside`` (the ledger holds no VAT, so net is gross);
  fees and discounts are products that are not stocked, ``FEE-POSTAGE``. A SKU or customer number that the tenant has
  already is used, not changed. Sales without a customer go to the customer ``CASH``.
- **a sale**: a closed order, shipped and invoiced in full, and its invoice, series ``IMPORT``; no shipment rows, which
  would be a fourth row a line and say nothing that the order's lines do not. **A credit**: a credit note that names no
  invoice, because the ledger does not. A sale that gives more back than it bills is a credit note, and the reverse.
- **goods**: one move a document and product, its source the order or credit note; **stock corrections** one move a
  line, with their note, their source the run; before all of them an opening move of everything that the ledger takes
  out of a product, so that no level is negative in whatever order. What came back or was found is left at the end.
- **a bad debt** and **a cost**: a journal each (receivable or bank against bad debt or cost). Both are booked on
  ``CASH``, because the ledger names nobody.
- **payments**: see ``mapping.Settlement``. An invoice that counts as paid has a payment, method ``import``; a credit
  note that counts as paid out has a journal of its own (receivable against bank).

The modules: ``start`` (the run, master data), ``shape`` (a batch to columns, pure), ``write`` (columns to rows, in one
transaction), ``verify`` (the database against the account), ``run`` (the whole).
"""

from stockade.commerce.ledger.loading.run import Loaded, load
from stockade.commerce.ledger.loading.start import AlreadyImported

__all__ = ["AlreadyImported", "Loaded", "load"]
