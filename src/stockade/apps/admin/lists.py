"""Lists as pages: one for all of them, over what ``commerce.desk.listing`` answers."""

from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import insert

from stockade.access.permissions import PERMISSIONS
from stockade.access.routes import opened
from stockade.apps.admin.alerts import held_export
from stockade.apps.admin.exporting import FORMATS, export
from stockade.apps.admin.reading import read_form
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.desk.listing import Asked, Entity, Listing, asked_of, read_page
from stockade.commerce.desk.listing.views import KEEP_VIEWS, NewView, remove_view, save_view, views_of
from stockade.commerce.desk.model import Export
from stockade.database.statements import TENANT, param, raw, statement
from stockade.identity.suspicion.noting import note_export
from stockade.kernel.clock import today
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid
from stockade.tenancy.transaction import Transaction
from stockade.web.languages import language

_EXPORTED = statement(
    insert(Export).values(
        tenant_id=TENANT, id=param("id"), kind=param("kind"), filters=param("filters"), rows=param("rows")
    )
)
_OF_A_PAGE = frozenset({"after", "before"})


async def listed(
    tx: Transaction, request: AnyRequest, listing: Listing, *, title: str, template: str = "list.html", **context: Any
) -> Shown:  # fmt: skip
    """Show a page of a list: search, filters, saved views, columns, rows, pages, downloads.

    The template may extend ``list.html`` (blocks ``head_actions``, ``bulk``, ``empty``) and use the context besides.
    """
    asked = _asked(tx, request, listing)
    rows = await read_page(tx, listing, asked, today=today())
    views = await views_of(tx, listing.name)
    names = await _names(tx, listing, asked)
    query = asked.address(listing)
    return Shown(template, {
        "listing": listing, "asked": asked, "rows": rows, "title": title, "views": views, "names": names,
        "columns": [column for column in listing.columns if not column.permission or may_of(tx)(column.permission)],
        "query": query, "view_now": next((view for view in views if same_query(view.query, query)), None),
        "address": lambda **changed: _address(listing.address, asked.address(listing, **changed)),
        "download": lambda extension: _address(f"{listing.address}.{extension}", query),
        "filtered": bool(asked.values),
    } | context)  # fmt: skip


def export_routes(listing: Listing) -> tuple[HTTPRouteHandler, ...]:
    """Return the routes that download a list as it is filtered, one for each format."""
    return tuple(_export_route(listing, extension) for extension in FORMATS)


def _export_route(listing: Listing, extension: str) -> HTTPRouteHandler:
    @page(f"{listing.address}.{extension}", permission=listing.permission, heavy=True)
    async def download(tx: Transaction, request: AnyRequest) -> Any:
        """Download a list as it is filtered; the export is an entry of the trail."""
        asked = _asked(tx, request, listing)
        looking = request.scope["state"].get("looking_in")
        made = await export(
            tx, listing, asked, extension, language(locale_of(request.scope)).gettext,
            mark=looking.mark if looking is not None else "",
        )  # fmt: skip
        filters = {name: str(value) for name, value in asked.values.items()}
        await _EXPORTED.run(tx, id=new_id(), kind=listing.name, filters=filters, rows=made.rows)
        judgement = await note_export(tx, made.rows)
        return held_export() if judgement.action in ("step_up", "lock") else made.response()

    return download


def view_routes(listing: Listing) -> tuple[HTTPRouteHandler, ...]:
    """Return the routes that keep and forget views of a list."""

    @form(f"{listing.address}/views", permission=KEEP_VIEWS)
    async def take_view(request: AnyRequest, fields: Fields) -> str:
        """Keep the list as it is seen under a name."""
        read = read_form(fields, NewView)
        if read.command is None:
            raise Invalid("Give the view a name of up to 80 letters.", field="name")
        new = msgspec.structs.replace(read.command, query=_kept(read.command.query))
        async with opened(request) as tx:
            await save_view(tx, new_id(), listing.name, new)
        return _address(listing.address, new.query)

    @form(f"{listing.address}/views/{{view_id:uuid}}/remove", permission=KEEP_VIEWS)
    async def take_view_removal(request: AnyRequest, fields: Fields, view_id: UUID) -> str:
        """Forget a view of one's own."""
        async with opened(request) as tx:
            await remove_view(tx, view_id)
        return listing.address

    return take_view, take_view_removal


def list_routes(listing: Listing) -> tuple[HTTPRouteHandler, ...]:
    """Return every route that a list has besides its page."""
    return (*export_routes(listing), *view_routes(listing))


def _asked(tx: Transaction, request: AnyRequest, listing: Listing) -> Asked:
    """Read the address; columns may come as one parameter or as several, as a form sends them."""
    given = request.query_params
    return asked_of(listing, dict(given) | {"columns": ",".join(given.getall("columns", []))}, may_of(tx))


def may_of(tx: Transaction) -> Any:
    """Return what says whether the transaction's principal has a permission, by its name."""
    return lambda name: PERMISSIONS[name].granted_to(tx.principal)


def same_query(one: str, other: str) -> bool:
    """Return whether two queries ask the same, in whatever order."""
    return sorted(parse_qsl(one)) == sorted(parse_qsl(other))


def _address(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _kept(query: str) -> str:
    return urlencode([(name, value) for name, value in parse_qsl(query) if name not in _OF_A_PAGE])


async def _names(tx: Transaction, listing: Listing, asked: Asked) -> dict[str, str]:
    """Return what the records that the list is filtered by are called, by the filter's name."""
    found = {}
    for wanted in listing.filters:
        if isinstance(wanted, Entity) and wanted.shown and wanted.name in asked.values:
            name = await raw(wanted.shown, "this_tenant id", str).first(tx, id=asked.values[wanted.name])
            found[wanted.name] = name or ""
    return found
