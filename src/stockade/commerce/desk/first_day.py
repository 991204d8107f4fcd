"""A tenant's first day: which of the first steps are done, told by the data alone, in one statement."""

from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert as upsert

from stockade.commerce.catalog.rules import VatCategory
from stockade.commerce.catalog.service.vat import VatRateSetting, set_vat_rate
from stockade.commerce.catalog.vat_by_country import offered_rates
from stockade.commerce.desk.model import Dismissal
from stockade.commerce.parties.service.company import find_company
from stockade.database.statements import TENANT, param, raw, statement
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Transaction


class FirstDay(msgspec.Struct, frozen=True):
    """What is there already: the steps, in their order, and whether this person wants to see them no more."""

    company: bool
    vat: bool
    products: bool
    customer: bool
    order: bool
    colleague: bool
    dismissed: bool
    country: str

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum((self.company, self.vat, self.products, self.customer, self.order, self.colleague))

    @property
    def lands(self) -> bool:
        """Whether somebody who signs in begins here: nothing was ever ordered, and it was not put aside."""
        return not self.order and not self.dismissed


_READ = raw(
    """
    select
        coalesce((select k.street <> '' and k.city <> '' and k.postcode <> '' from parties.company k
            where k.tenant_id = $1 and k.id = $1), false),
        exists (select from catalog.vat_rate r where r.tenant_id = $1 and r.category = 'standard'
            and (r.rate > 0 or r.valid_from > '2000-01-01')),
        exists (select from catalog.product p where p.tenant_id = $1),
        exists (select from parties.customer c where c.tenant_id = $1),
        -- Whoever is limited to some records does not see how far the company is.
        exists (select from orders.sales_order o where o.tenant_id = $1) or not tenancy.unlimited(112),
        exists (select from identity.membership m where m.tenant_id = $1 offset 1),
        exists (select from desk.dismissal d where d.tenant_id = $1 and d.account_id = $2 and d.what = 'first_day'),
        coalesce((select k.country from parties.company k where k.tenant_id = $1 and k.id = $1), '')
    """,
    "this_tenant actor_id",
    FirstDay,
)
_DISMISS = statement(
    upsert(Dismissal)
    .values(tenant_id=TENANT, id=param("id"), account_id=param("actor_id"), what="first_day")
    .on_conflict_do_nothing(index_elements=(Dismissal.tenant_id, Dismissal.account_id, Dismissal.what))
)


async def first_day(tx: Transaction, account_id: UUID | None = None) -> FirstDay:
    """Return how far the tenant has come, as the principal (or another account) sees it."""
    return await _READ.one(tx, actor_id=account_id or tx.principal.actor_id)


async def dismiss_first_day(tx: Transaction) -> None:
    """Let the principal not be sent to the first steps any more; they stay where they are."""
    await _DISMISS.run(tx, id=new_id(), actor_id=tx.principal.actor_id)


async def take_offered_rates(tx: Transaction) -> dict[VatCategory, VatRateSetting]:
    """Set the VAT rates that the company's country has, from the beginning of the year; return what was set."""
    company = await find_company(tx)
    since = today().replace(month=1, day=1)
    settings = {
        category: VatRateSetting(category=category, valid_from=since, rate=rate)
        for category, rate in offered_rates(company.country if company else "").items()
    }
    for setting in settings.values():  # three at most
        await set_vat_rate(tx, setting)
    return settings
