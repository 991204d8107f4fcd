"""One order as a page: what it holds, how far it has come, and the forms that bring it on."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from stockade.access.fields import ExpectedVersion
from stockade.access.permissions import RANK
from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.history import timeline_of
from stockade.apps.admin.order_view import TOLD, context_of
from stockade.apps.admin.reading import read_form
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.commerce.desk import notes
from stockade.commerce.desk import order as desk
from stockade.commerce.desk.acting import ACTIONS, Action
from stockade.commerce.desk.changes import last_change
from stockade.commerce.orders import permissions as may
from stockade.commerce.orders import service
from stockade.commerce.orders.commands import Cancellation, DraftChange, NewHold, NewShipment
from stockade.kernel.clock import today
from stockade.kernel.problems import Invalid, Problem, VersionConflict
from stockade.tenancy.transaction import Transaction, Unauthenticated
from stockade.web.problems import problem_document

_POSITION = re.compile(r"position_([0-9]{1,3})")
RELEASING_ROLES = [role for role, rank in RANK.items() if rank >= RANK[may.RELEASE.least]]


@page("/orders/{order_id:uuid}", permission=may.READ)
async def show_order(tx: Transaction, request: AnyRequest, order_id: UUID) -> Shown:
    """One order."""
    return await _order_page(tx, order_id, told=TOLD.get(request.query_params.get("done", "")))


def _action_route(name: str, action: Action) -> HTTPRouteHandler:
    @form(f"/orders/{{order_id:uuid}}/{name}", permission=action.permission)
    async def take(request: AnyRequest, fields: Fields, order_id: UUID) -> Shown | str:
        """Do what a button of the order's page says; a refusal is shown on the page as it then is."""
        version = _expected_version(fields)
        return await _attempt(request, order_id, name, lambda tx: action.act(tx, order_id, version))

    return take


@form("/orders/{order_id:uuid}/cancel", permission=may.CANCEL)
async def take_cancellation(request: AnyRequest, fields: Fields, order_id: UUID) -> Shown | str:
    """Cancel the lines that were chosen; without a choice, all that has not left."""
    chosen = sorted(int(found[1]) for name in fields if (found := _POSITION.fullmatch(name)))
    command = Cancellation(expected_version=_expected_version(fields), positions=chosen or None)
    return await _attempt(request, order_id, "cancel", lambda tx: service.cancel(tx, order_id, command))


@form("/orders/{order_id:uuid}/holds/{hold_id:uuid}/release", permission=may.RELEASE)
async def take_release(request: AnyRequest, fields: Fields, order_id: UUID, hold_id: UUID) -> Shown | str:
    """Release a hold."""
    version = _expected_version(fields)
    return await _attempt(request, order_id, "release", lambda tx: service.release_hold(tx, order_id, hold_id, version))


@form("/orders/{order_id:uuid}/hold", permission=may.HOLD)
async def take_hold(request: AnyRequest, fields: Fields, order_id: UUID) -> Shown | str:
    """Put the order on hold, with a reason."""
    return await submitted(
        request, fields, NewHold, lambda tx, read: service.place_hold(tx, order_id, read.reason, read.expected_version),
        again=lambda tx, filled: _order_page(tx, order_id, form=filled, opened_part="hold"),
        then=f"/orders/{order_id}?done=hold", current=lambda tx: service.read_order(tx, order_id),
    )  # fmt: skip


@form("/orders/{order_id:uuid}/edit", permission=may.CHANGE)
async def take_edit(request: AnyRequest, fields: Fields, order_id: UUID) -> Shown | str:
    """Change a draft's reference, day and note."""
    return await submitted(
        request, fields, DraftChange, lambda tx, read: service.change_draft(tx, order_id, read),
        again=lambda tx, filled: _order_page(tx, order_id, form=filled, opened_part="edit"),
        then=f"/orders/{order_id}?done=edit", current=lambda tx: service.read_order(tx, order_id),
    )  # fmt: skip


@form("/orders/{order_id:uuid}/shipments", permission=may.SHIP)
async def take_shipment(request: AnyRequest, fields: Fields, order_id: UUID) -> Shown | str:
    """Ship a part: as much of each line as the form says."""
    given = {name: text for name, text in fields.items() if not _is_empty_line(name, fields)}
    return await submitted_new(
        request, given | {"order_id": str(order_id)}, NewShipment, service.ship,
        again=lambda tx, filled: _order_page(tx, order_id, form=filled, opened_part="ship"),
        then=lambda _: f"/orders/{order_id}?done=ship",
    )  # fmt: skip


@form("/orders/{order_id:uuid}/notes", permission=may.CHANGE)
async def take_note(request: AnyRequest, fields: Fields, order_id: UUID) -> Shown | str:
    """Write a note beside the order."""

    async def write(tx: Transaction, id: UUID, new: notes.NewNote) -> None:
        await service.read_order(tx, order_id)
        await notes.write_note(tx, id, order_id, new)

    return await submitted_new(
        request, fields, notes.NewNote, write, then=lambda _: f"/orders/{order_id}?done=note",
        again=lambda tx, filled: _order_page(tx, order_id, form=filled, opened_part="note"),
    )  # fmt: skip


@form("/orders/{order_id:uuid}/notes/{note_id:uuid}/remove", permission=may.CHANGE)
async def take_note_back(request: AnyRequest, fields: Fields, order_id: UUID, note_id: UUID) -> Shown | str:
    """Take a note of one's own back; the page offers to write it again."""
    async with opened(request) as tx:
        text = await notes.take_back_note(tx, note_id, order_id)
        return await _order_page(tx, order_id, form=Form({"text": text}), opened_part="note", told=TOLD["note-back"])


async def _attempt(
    request: AnyRequest, order_id: UUID, name: str, act: Callable[[Transaction], Awaitable[Any]]
) -> Shown | str:  # fmt: skip
    try:
        async with opened(request) as tx:
            await act(tx)
    except Unauthenticated:
        raise
    except Problem as problem:
        document = problem_document(problem, request.scope["state"]["request_id"])
        async with opened(request) as tx:
            changed = await last_change(tx, order_id) if isinstance(problem, VersionConflict) else None
            shown = await _order_page(tx, order_id, problem=document, changed=changed)
        return msgspec.structs.replace(shown, status=problem.status)
    return f"/orders/{order_id}?done={name}"


def _expected_version(fields: Fields) -> int:
    read = read_form(fields, ExpectedVersion)
    if read.command is None:
        raise Invalid("The form does not say which version of the order it shows: reload it.", field="expected_version")
    return read.command.expected_version


def _is_empty_line(name: str, fields: Fields) -> bool:
    """Return whether a field belongs to a line of which nothing is to leave."""
    line, dot, _ = name.rpartition(".")
    return bool(dot) and fields.get(f"{line}.quantity", "").strip() in ("", "0")


async def _order_page(
    tx: Transaction, order_id: UUID, *, problem: dict[str, Any] | None = None, told: str | None = None,
    form: Form | None = None, opened_part: str = "", changed: Any = None,
) -> Shown:  # fmt: skip
    order = await service.read_order(tx, order_id)
    stock = await desk.shelves(tx, order)
    invoices = await desk.documents(tx, order_id, today())
    terms = await desk.terms(tx, order.customer.id, RELEASING_ROLES)
    subjects = [order_id, *(it.id for part in (order.holds, order.shipments, invoices) for it in part)]
    events = await desk.history(tx, subjects)
    paid = await desk.payments(tx, [it.id for it in invoices if it.kind == "invoice"])
    return Shown("orders/order.html", context_of(order, stock, invoices, terms, events, tx.principal) | {
        "payments": paid, "notes": await notes.notes_of(tx, order_id), "history": timeline_of(events),
        "problem": problem, "told": told, "form": form or Form.of(order), "blank": Form(), "opened_part": opened_part,
        "changed": changed,
    })  # fmt: skip


ROUTES = (
    show_order, take_cancellation, take_release, take_hold, take_edit, take_shipment, take_note, take_note_back,
    *(_action_route(name, action) for name, action in ACTIONS.items() if name != "cancel"),
)  # fmt: skip
