"""VAT rates: what each category is charged from which day on."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy import Date, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from stockade.access.fields import Percent, checked_percent
from stockade.commerce.catalog.model import VatRate
from stockade.commerce.catalog.rules import WITHOUT_VAT, VatCategory, checked_vat_rate
from stockade.database.statements import TENANT, param, statement
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Transaction


class VatRateView(msgspec.Struct, frozen=True):
    """The rate of a category in per cent, from ``valid_from`` until the next one."""

    id: UUID
    category: VatCategory
    valid_from: date
    rate: Decimal


class VatRateSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rate that a category is to have from a day on."""

    category: VatCategory
    valid_from: date
    rate: Percent

    def __post_init__(self) -> None:
        checked_percent(self.rate)


class _Rate(msgspec.Struct, frozen=True):
    category: str
    rate: Decimal


_FIELDS = (VatRate.id, VatRate.category, VatRate.valid_from, VatRate.rate)
_LIST = statement(
    select(*_FIELDS).where(VatRate.tenant_id == TENANT).order_by(VatRate.category, VatRate.valid_from.desc()),
    VatRateView,
)
_given = insert(VatRate).values(
    tenant_id=TENANT, id=param("id"), category=param("category"), valid_from=param("valid_from"), rate=param("rate")
)
_SET = statement(
    _given.on_conflict_do_update(
        index_elements=(VatRate.tenant_id, VatRate.category, VatRate.valid_from), set_={"rate": _given.excluded.rate}
    ).returning(*_FIELDS),
    VatRateView,
)
_ON_DAY = statement(
    select(VatRate.category, VatRate.rate)
    .ext(distinct_on(VatRate.category))
    .where(VatRate.tenant_id == TENANT, VatRate.valid_from <= param("day", Date))
    .order_by(VatRate.category, VatRate.valid_from.desc()),
    _Rate,
)


async def list_vat_rates(tx: Transaction) -> list[VatRateView]:
    """Return every rate, the newest of each category first."""
    return await _LIST.all(tx)


async def set_vat_rate(tx: Transaction, setting: VatRateSetting) -> VatRateView:
    """Set a category's rate from a day on; a second setting for the same day replaces the first.

    Orders and invoices keep the rate that they were made with.
    """
    checked_vat_rate(setting.category, setting.rate)
    return await _SET.one(tx, id=new_id(), **msgspec.structs.asdict(setting))


async def rates_on(tx: Transaction, day: date) -> dict[str, Decimal]:
    """Return the rate in per cent of every category that has one on that day; look one up with ``rules.rate_for``.

    The categories without VAT are always there, with 0.
    """
    without: dict[str, Decimal] = {category: Decimal(0) for category in WITHOUT_VAT}
    return without | {row.category: row.rate for row in await _ON_DAY.all(tx, day=day)}
