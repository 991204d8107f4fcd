"""The ledger import: another system's sales ledger becomes business documents, and they become a tenant's books.

``stockade.commerce.ledger.loading`` brings an opened ledger into the database. This module is the pure half:

    mapping = load_mapping("online-retail")
    with open_ledger(path, mapping) as ledger:
        ...                                     # write ledger.master.products, .customers
        for batch in ledger.batches():
            ...                                 # write batch.documents, batch.lines; skip what an earlier run wrote
            ledger.account.imported(batch)      # after the commit
        write_rejects(target, path, mapping, ledger.account.rejects())
        assert ledger.account.balanced

A line passes through ``reading`` (file to columns), ``parsing`` (columns to exact values), ``survey`` (documents put
together), ``classify`` (what each line is), ``master`` and ``documents`` (what they form), and ``account``.
"""

from stockade.commerce.ledger.account import Account, Kind, Tally
from stockade.commerce.ledger.documents import DocumentBatch, Documents, Lines
from stockade.commerce.ledger.mapping import DocumentKind, LineKind, Mapping, load_mapping
from stockade.commerce.ledger.master import Customer, Master, Product
from stockade.commerce.ledger.opening import BATCH_LINES, Ledger, fingerprint_of, open_ledger
from stockade.commerce.ledger.parsing import MICRO, Reason
from stockade.commerce.ledger.reading import line_count
from stockade.commerce.ledger.rejects import Reject, rejected, write_rejects

__all__ = [
    "BATCH_LINES", "MICRO", "Account", "Customer", "DocumentBatch", "DocumentKind", "Documents", "Kind", "Ledger",
    "LineKind", "Lines", "Mapping", "Master", "Product", "Reason", "Reject", "Tally", "fingerprint_of", "line_count",
    "load_mapping", "open_ledger", "rejected", "write_rejects",
]  # fmt: skip
