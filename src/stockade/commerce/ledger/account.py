"""The account of an import: every line read is imported as something or rejected for a reason, and the money agrees.

What was read is counted when a line leaves the file, before documents are formed; what was imported is counted from
the very lists that were handed to the database. The two meet only in `Account.balanced`.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from rich.table import Table

from stockade.commerce.ledger.arrow import pa, pc
from stockade.commerce.ledger.documents import DocumentBatch
from stockade.commerce.ledger.mapping import MOST_PRICE_PLACES
from stockade.kernel.money import exponent_of


class Tally(msgspec.Struct):
    """Lines, pieces and money of one class of lines; exact money in millionths, rounded money in minor units."""

    lines: int = 0
    quantity: int = 0
    in_micro: int = 0  # the lines that bill, exactly
    out_micro: int = 0  # the lines that give back or write off, exactly; zero or negative
    net_minor: int = 0  # each line rounded half up, then added: what the documents say

    @property
    def net_micro(self) -> int:
        """Return the exact money of all lines."""
        return self.in_micro + self.out_micro

    def add(self, quantity: int, amount_micro: int, net_minor: int = 0) -> None:
        """Count one line."""
        self.lines += 1
        self.quantity += quantity
        if amount_micro > 0:
            self.in_micro += amount_micro
        else:
            self.out_micro += amount_micro
        self.net_minor += net_minor

    def include(self, other: "Tally") -> None:
        """Count all that the other has counted."""
        for field in self.__struct_fields__:
            setattr(self, field, getattr(self, field) + getattr(other, field))


class Kind(msgspec.Struct, frozen=True, order=True):
    """One class of imported lines: the document it went into, what the line is, the fee's name, the currency."""

    document: str
    line: str
    charge: str
    currency: str


class Account:
    """Counts an import as it goes: `read` and `reject` while reading, `imported` after each batch is committed."""

    def __init__(self) -> None:
        self.lines = 0
        self.unreadable = 0
        self.source: dict[str, Tally] = {}
        self.kinds: dict[Kind, Tally] = {}
        self.rejections: dict[tuple[str, str], Tally] = {}
        self.documents: dict[str, int] = {}
        self.crooked: list[str] = []  # documents whose own total is not that of their lines
        self._rejects: list[pa.Table] = []

    def read(self, count: int, lines: pa.Table) -> None:
        """Count lines that left the file; ``lines`` are those of them that could be read."""
        self.lines += count
        self.unreadable += count - len(lines)
        for currency, tally in _sums(lines).items():
            self.source.setdefault(currency, Tally()).include(tally)

    def reject(self, rejects: pa.Table) -> None:
        """Count rejected lines (line, reason); with quantity, price_micro and currency if they could be read."""
        if not len(rejects):
            return
        self._rejects.append(rejects.select(["line", "reason"]))
        readable = "price_micro" in rejects.column_names
        for reason in pc.unique(rejects["reason"]).to_pylist():
            some = rejects.filter(pc.equal(rejects["reason"], reason))
            sums = _sums(some) if readable else {"": Tally(lines=len(some))}
            for currency, tally in sums.items():
                self.rejections.setdefault((reason, currency), Tally()).include(tally)

    def imported(self, batch: DocumentBatch) -> None:
        """Count a batch whose documents are now in the database, by this run or an earlier one."""
        documents, lines = batch.documents, batch.lines
        for kind in documents.kind:
            self.documents[kind] = self.documents.get(kind, 0) + 1
        left = list(documents.net_minor)
        tallies: dict[tuple[str, str, str | None, str], Tally] = {}
        columns = (lines.document, lines.kind, lines.charge, lines.quantity, lines.price_micro, lines.net_minor)
        for document, line, charge, quantity, price_micro, net_minor in zip(*columns, strict=True):
            key = (documents.kind[document], line, charge, documents.currency[document])
            tally = tallies.get(key)
            if tally is None:
                tally = tallies[key] = Tally()
            tally.add(quantity, quantity * price_micro, net_minor)
            left[document] -= net_minor
        self.crooked.extend(number for number, rest in zip(documents.number, left, strict=True) if rest)
        for (of, line, charge, currency), tally in tallies.items():
            self.kinds.setdefault(Kind(of, line, charge or "", currency), Tally()).include(tally)

    def rejects(self) -> pa.Table:
        """Return number and reason of every rejected line, by number."""
        empty = pa.table({"line": pa.array([], pa.int64()), "reason": pa.array([], pa.string())})
        return pa.concat_tables([empty, *self._rejects]).sort_by("line").combine_chunks()

    def faults(self) -> list[str]:
        """Return in what the account does not balance; nothing, if it does."""
        accounted = sum(tally.lines for tally in [*self.kinds.values(), *self.rejections.values()])
        faults = [] if accounted == self.lines else [f"{self.lines} lines were read, {accounted} are accounted for"]
        for currency, source in sorted(self.source.items()):
            total = Tally()
            for tally in [t for kind, t in self.kinds.items() if kind.currency == currency]:
                total.include(tally)
            for tally in [t for (_, of), t in self.rejections.items() if of == currency]:
                total.include(tally)
            for name in ("lines", "quantity", "in_micro", "out_micro"):
                if getattr(source, name) != getattr(total, name):
                    faults.append(f"{currency} {name}: {getattr(source, name)} read, {getattr(total, name)} accounted")
        return faults + [f"document {number}: its total is not that of its lines" for number in self.crooked]

    @property
    def balanced(self) -> bool:
        """Tell whether every line is accounted for once, and pieces and money in and out agree exactly."""
        return not self.faults()

    def document(self) -> dict[str, Any]:
        """Return the account as JSON: money as decimal text, and whether it balances."""
        return {
            "lines": self.lines,
            "unreadable_lines": self.unreadable,
            "documents": dict(sorted(self.documents.items())),
            "source": [
                {"currency": currency} | _shown(tally, currency) for currency, tally in sorted(self.source.items())
            ],
            "imported": [
                msgspec.to_builtins(kind)
                | _shown(tally, kind.currency)
                | {"rounded": _minor(tally.net_minor, kind.currency)}
                for kind, tally in sorted(self.kinds.items())
            ],
            "rejected": [
                {"reason": reason, "currency": currency} | _shown(tally, currency)
                for (reason, currency), tally in sorted(self.rejections.items())
            ],
            "balanced": self.balanced,
            "faults": self.faults(),
        }

    def table(self) -> Table:
        """Return the account for the terminal."""
        table = Table(title=f"{self.lines:,} lines: {'balanced' if self.balanced else 'NOT BALANCED'}")
        for heading in ("document", "line"):
            table.add_column(heading)
        for heading in ("lines", "pieces", "money in", "money out", "net", "net as rounded"):
            table.add_column(heading, justify="right")
        for kind, tally in sorted(self.kinds.items()):
            line = f"{kind.line}: {kind.charge}" if kind.charge else kind.line
            table.add_row(kind.document, line, *_cells(tally, kind.currency), _minor(tally.net_minor, kind.currency))
        table.add_section()
        for (reason, currency), tally in sorted(self.rejections.items()):
            table.add_row("rejected", reason, *_cells(tally, currency), "")
        table.add_section()
        for currency, tally in sorted(self.source.items()):
            table.add_row("read", currency, *_cells(tally, currency), "")
        return table


def _sums(lines: pa.Table) -> dict[str, Tally]:
    """Return the tally of the lines of each currency; sums in 38 decimal digits, so that no total can overflow."""
    amount = pc.multiply_checked(lines["quantity"], lines["price_micro"]).cast(pa.decimal128(38, 0))
    sums = pa.table(
        {
            "currency": lines["currency"],
            "quantity": lines["quantity"].cast(pa.decimal128(38, 0)),
            "in": pc.if_else(pc.greater(amount, 0), amount, pa.scalar(0).cast(pa.decimal128(38, 0))),
            "out": pc.if_else(pc.less(amount, 0), amount, pa.scalar(0).cast(pa.decimal128(38, 0))),
        }
    )
    totals = sums.group_by("currency").aggregate([("quantity", "sum"), ("in", "sum"), ("out", "sum"), ("in", "count")])
    return {
        row["currency"]: Tally(row["in_count"], int(row["quantity_sum"]), int(row["in_sum"]), int(row["out_sum"]))
        for row in totals.to_pylist()
    }


def _shown(tally: Tally, currency: str) -> dict[str, Any]:
    amounts = {"in": tally.in_micro, "out": tally.out_micro, "net": tally.net_micro}
    return {"lines": tally.lines, "quantity": tally.quantity} | {
        name: _micro(amount, currency) for name, amount in amounts.items()
    }


def _cells(tally: Tally, currency: str) -> Iterable[str]:
    amounts = (tally.in_micro, tally.out_micro, tally.net_micro)
    return (f"{tally.lines:,}", f"{tally.quantity:,}", *(_micro(amount, currency, ",") for amount in amounts))


def _micro(amount: int, currency: str, grouping: str = "") -> str:
    """Return exact money with at least the currency's own decimals, and more only where there are more."""
    exact = Decimal(amount).scaleb(-MOST_PRICE_PLACES)
    places = exponent_of(currency)
    while places < MOST_PRICE_PLACES and exact != round(exact, places):
        places += 1
    return f"{exact:{grouping}.{places}f}"


def _minor(amount: int, currency: str) -> str:
    places = exponent_of(currency)
    return f"{Decimal(amount).scaleb(-places):.{places}f}"
