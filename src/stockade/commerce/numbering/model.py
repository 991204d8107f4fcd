"""The numbers that documents carry: their counters, and how a tenant wants them to look."""

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import TenantDetail, TenantTable, business, check, column, unique


class Counter(TenantDetail, table="numbering.counter", audited=False):
    """The last number of a series in a period. Taken by an UPDATE in the transaction that issues the document, as its
    last statement: the row stays locked until COMMIT, a rollback gives the number back, and so no gap can appear."""

    series: Mapped[str] = column(Text, business(), fixed=True, primary_key=True)
    period: Mapped[str] = column(Text, business(), fixed=True, primary_key=True)
    last: Mapped[int] = column(BigInteger, business(), server_default="0")

    __constraints__ = (check("last", "last >= 0"),)


class Series(TenantTable, table="numbering.series", insert_event="numbering.series_set"):
    """How a tenant's numbers of a series begin, where that is not the usual way; and where ``period`` began."""

    series: Mapped[str] = column(Text, business(), fixed=True)
    prefix: Mapped[str] = column(Text, business(event="numbering.prefix_changed"))
    period: Mapped[str] = column(Text, business())
    first: Mapped[int] = column(BigInteger, business())

    __constraints__ = (
        unique("series"),
        unique("prefix"),
        check("first", "first > 0"),
    )
