"""The first day: what a new tenant does before its first order, step by step, left and resumed at will."""

import msgspec

from stockade.access.permissions import permission
from stockade.access.routes import opened
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.catalog.api import SET_VAT_RATE
from stockade.commerce.catalog.vat_by_country import offered_rates
from stockade.commerce.desk.first_day import dismiss_first_day, first_day, take_offered_rates
from stockade.commerce.parties.api import READ_COMPANY
from stockade.identity.service.sign_in import SignedIn
from stockade.kernel.words import N_
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, Transaction

DISMISS = permission("desk:dismiss", least="viewer", personal=True)
ADDRESS = "/welcome"
TOLD = {"company": N_("The company is saved."), "vat": N_("The VAT rates are set.")}


class Way(msgspec.Struct, frozen=True):
    """A way to do a step: what it is called, where it leads, and the permission that it needs."""

    label: str
    address: str
    permission: str


class Step(msgspec.Struct, frozen=True):
    """A step: ``name`` is its field in ``FirstDay``."""

    name: str
    title: str
    text: str
    symbol: str
    ways: tuple[Way, ...]


STEPS = (
    Step(
        "company", N_("Say who you are"),
        N_("Name, address and VAT number, as your documents will show them."), "landmark",
        (Way(N_("Enter company data"), "/settings/company?from=welcome", "settings:update"),),
    ),
    Step(
        "vat", N_("Set your VAT rates"),
        N_("What each category of goods is charged. Check them against what your tax office says."), "percent",
        (Way(N_("See and set the rates"), "/settings/vat", "catalog:set_vat_rate"),),
    ),
    Step(
        "products", N_("Bring in your products"),
        N_("From a spreadsheet or your former system, or the first few by hand."), "package",
        (
            Way(N_("Import a file"), "/imports", "catalog:create"),
            Way(N_("Add one by hand"), "/products/new", "catalog:create"),
        ),
    ),
    Step(
        "customer", N_("Add your first customer"),
        N_("Who buys, where the goods go, and how soon you are paid."), "users",
        (Way(N_("Add a customer"), "/customers/new", "parties:create"),),
    ),
    Step(
        "order", N_("Take your first order"),
        N_("Customer, products, quantities. It is a draft until you confirm it."), "clipboard-list",
        (Way(N_("Take an order"), "/orders/new", "orders:place"),),
    ),
    Step(
        "colleague", N_("Invite a colleague"),
        N_("Everybody signs in as themselves, with no more rights than their work needs."), "user-plus",
        (Way(N_("Invite somebody"), "/members/new", "members:manage"),),
    ),
)  # fmt: skip


@page(ADDRESS, permission=READ_COMPANY)
async def show_first_day(tx: Transaction, request: AnyRequest) -> Shown:
    """The first steps, and which of them are done."""
    day = await first_day(tx)
    undone = [step.name for step in STEPS if not getattr(day, step.name)]
    return Shown("first_day/welcome.html", {
        "day": day, "steps": STEPS, "done": {step.name: getattr(day, step.name) for step in STEPS},
        "next": undone[0] if undone else "", "offered": offered_rates(day.country),
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


@form("/welcome/vat", permission=SET_VAT_RATE)
async def take_vat(request: AnyRequest, fields: Fields) -> str:
    """Set the rates that were offered."""
    async with opened(request) as tx:
        await take_offered_rates(tx)
    return f"{ADDRESS}?done=vat"


@form("/welcome/dismiss", permission=DISMISS)
async def take_dismissal(request: AnyRequest, fields: Fields) -> str:
    """Put the first steps aside."""
    async with opened(request) as tx:
        await dismiss_first_day(tx)
    return "/"


async def first_page(database: Database, signed_in: SignedIn, otherwise: str) -> str:
    """Return where somebody begins who was on the way to nowhere: the first steps, until there is an order."""
    who = Principal(tenant_id=signed_in.tenant_id, actor_id=signed_in.account_id, kind=ActorKind.USER, role="nobody")
    async with database.transaction(who) as tx:
        return ADDRESS if (await first_day(tx)).lands else otherwise


ROUTES = (show_first_day, take_vat, take_dismissal)
