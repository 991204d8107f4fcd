"""Counters for the numbers that documents carry."""

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import TenantDetail, business, check, column


class Counter(TenantDetail, table="numbering.counter", audited=False):
    """The last number of a series in a period. Taken by an UPDATE in the transaction that issues the document, as its
    last statement: the row stays locked until COMMIT, a rollback gives the number back, and so no gap can appear."""

    series: Mapped[str] = column(Text, business(), fixed=True, primary_key=True)
    period: Mapped[str] = column(Text, business(), fixed=True, primary_key=True)
    last: Mapped[int] = column(BigInteger, business(), server_default="0")

    __constraints__ = (check("last", "last >= 0"),)
