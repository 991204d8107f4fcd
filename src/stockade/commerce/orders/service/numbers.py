"""Numbers of orders and shipments, taken inside the statement that uses them: one round trip less than asking first."""

from stockade.commerce.numbering.series import KINDS
from stockade.kernel.clock import today


def next_in(series: str) -> str:
    """Return the CTE ``counter`` whose ``number`` is the next of a series, as in SO-2026-000123.

    ``$1`` is the tenant, ``$2`` the period. The same counter as ``numbering.next_number``'s, and the same promise: a
    rollback gives the number back. lpad would cut a long number off, so it grows with it.
    """
    prefix = f"""coalesce(
        (select s.prefix from numbering.series as s where s.tenant_id = $1::uuid and s.series = '{series}'),
        '{KINDS[series].prefix}')"""
    return f"""
    counter as (
        insert into numbering.counter as c (tenant_id, series, period, last) values ($1::uuid, '{series}', $2::text, 1)
        on conflict (tenant_id, series, period) do update set last = c.last + 1
        returning {prefix} || '-' || $2::text || '-' || lpad(last::text, greatest(6, length(last::text)), '0') as number
    )"""


def period() -> str:
    """Return the period that numbers are counted in: the year."""
    return str(today().year)
