"""A statement lists movements, what is open, and since when."""

import msgspec
import pytest

from stockade.documents import FiguresDisagree, StatementEntry, render_statement
from stockade.kernel.money import Money

from .reading import pages, text
from .samples import statement


def test_a_statement_shows_movements_running_balance_and_ageing() -> None:
    printed = text(render_statement(statement()))
    for expected in (
        "Statement of account",
        "C-10442",
        "31 March 2026",
        "Brought forward",
        "PAY-3302",
        "INV-2026-001180",
        "2,453.10",
        "2,219.10",
        "31\u201360 days",
        "Over 90 days",
        "GBP 3,100.62",
        "GB33 BUKB",
    ):
        assert expected in printed


def test_a_polish_statement_speaks_polish() -> None:
    printed = text(render_statement(statement(locale="pl")))
    for expected in ("Zestawienie rozrachunków", "Saldo początkowe", "Przed terminem", "3 100,62 GBP"):
        assert expected in printed


def test_a_statement_without_movements_says_so() -> None:
    none = Money(0, "GBP")
    printed = text(render_statement(statement(entries=(), ageing=(), balance=none, overdue=none)))
    assert "Nothing was charged or paid" in printed
    assert "How to pay" not in printed


def test_a_long_statement_repeats_its_header() -> None:
    first = statement().entries[0]
    more = tuple(
        StatementEntry(first.on, "invoice", Money(120_000 + at, "GBP"), f"INV-{at}", debit=Money(1, "GBP"))
        for at in range(1, 121)
    )
    document = statement(entries=(first, *more), ageing=(), balance=Money(120_120, "GBP"))
    printed = pages(render_statement(document))
    assert len(printed) >= 3
    assert all("Charged" in page for page in printed)


def test_a_statement_whose_balance_does_not_run_is_refused() -> None:
    good = statement()
    with pytest.raises(FiguresDisagree, match="PAY-3302"):
        msgspec.structs.replace(good, entries=(good.entries[0], *good.entries[1:2], *good.entries[1:]))
    with pytest.raises(FiguresDisagree, match="ageing"):
        msgspec.structs.replace(good, ageing=good.ageing[:1])
    with pytest.raises(FiguresDisagree, match="last entry"):
        msgspec.structs.replace(good, balance=Money(1, "GBP"), ageing=())
