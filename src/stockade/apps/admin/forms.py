"""Forms: what was typed, what is wrong with it, and the verbs that they are sent to.

Whatever goes wrong, the page comes again with what was typed. A form that makes something carries an idempotency key,
so that it makes one thing however often it is sent.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from stockade.access.routes import opened
from stockade.apps.admin.reading import Command, Fields, read_form, typed
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.desk.changes import last_change
from stockade.idempotency.service import claim
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Invalid, Problem, VersionConflict
from stockade.tenancy.transaction import Transaction, Unauthenticated
from stockade.web.problems import problem_document


class Conflict(msgspec.Struct, frozen=True):
    """Somebody else was faster: who, when, and what the fields that differ hold now, by name."""

    actor: str
    changed_at: datetime | None
    theirs: dict[str, str]


class Form(msgspec.Struct, frozen=True):
    """A form as a page shows it: texts and errors by field, a problem of the whole, and both sides of a conflict."""

    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    problem: dict[str, Any] | None = None
    conflict: Conflict | None = None

    @classmethod
    def of(cls, view: msgspec.Struct, *, currency: str | None = None, locale: str = "en", **more: str) -> "Form":
        """Return a form that holds what a record holds; ``version`` goes into ``expected_version``."""
        held = {
            name: typed(getattr(view, name), name, currency=currency, locale=locale) for name in view.__struct_fields__
        }
        return cls(held | {"expected_version": held.get("version", "")} | more)


Again = Callable[[Transaction, Form], Awaitable[Shown]]
Current = Callable[[Transaction], Awaitable[msgspec.Struct]]


async def submitted_new(
    request: AnyRequest, fields: Fields, command: type[Command],
    verb: Callable[[Transaction, UUID, Command], Awaitable[Any]],
    *, again: Again, then: Callable[[UUID], str], once: Callable[[Any], Shown] | None = None,
    currency: str | None = None,
) -> Shown | str:  # fmt: skip
    """Make something of a form: ``verb(tx, id, command)``; return where to go next, or the form again.

    Sent twice with one ``idempotency_key``, it makes one thing and goes to the same place. ``once`` shows what the verb
    returned instead, the first time only: a secret that nobody may find in an address.
    """

    async def make(tx: Transaction, read: Command) -> Shown | str:
        made = await claim(tx, _key(fields), f"form {command.__name__}", read, new_id())
        if not made.replayed:
            answer = await verb(tx, made.id, read)
            if once is not None:
                return once(answer)
        return then(made.id)

    return await _submitted(request, fields, command, make, again, None, currency)


async def submitted(
    request: AnyRequest, fields: Fields, command: type[Command], verb: Callable[[Transaction, Command], Awaitable[Any]],
    *, again: Again, then: str, current: Current | None = None, currency: str | None = None,
) -> Shown | str:  # fmt: skip
    """Change something by a form: ``verb(tx, command)``; return where to go next, or the form again.

    ``current`` reads the record as it is now (a view with ``id`` and ``version``), for when somebody else was faster:
    the form then shows both, and takes the newer version, so that sending it again is a decision.
    """

    async def change(tx: Transaction, read: Command) -> str:
        await verb(tx, read)
        return then

    return await _submitted(request, fields, command, change, again, current, currency)


async def _submitted(
    request: AnyRequest, fields: Fields, command: type[Command],
    act: Callable[[Transaction, Command], Awaitable[Shown | str]], again: Again, current: Current | None,
    currency: str | None,
) -> Shown | str:  # fmt: skip
    spoken = locale_of(request.scope)
    read = read_form(fields, command, currency=currency, locale=spoken)
    values = dict(fields)
    if read.command is None:
        return await _shown_again(request, again, Form(values, read.errors), 422)
    try:
        async with opened(request) as tx:
            return await act(tx, read.command)
    except Unauthenticated:
        raise
    except VersionConflict as conflict:
        if current is None:
            return await _shown_again(request, again, _refused(request, values, conflict), conflict.status)
        async with opened(request) as tx:
            form = await _conflicting(tx, values, await current(tx), currency, spoken)
            return msgspec.structs.replace(await again(tx, form), status=conflict.status)
    except Problem as problem:
        return await _shown_again(request, again, _refused(request, values, problem), problem.status)


def _key(fields: Fields) -> str:
    key = fields.get("idempotency_key", "")
    if not 8 <= len(key) <= 200 or not key.isascii() or not key.isprintable():
        raise Invalid("The form lacks its key: reload the page.", field="idempotency_key")
    return key


async def _shown_again(request: AnyRequest, again: Again, form: Form, status: int) -> Shown:
    async with opened(request) as tx:
        return msgspec.structs.replace(await again(tx, form), status=status)


def _refused(request: AnyRequest, values: dict[str, str], problem: Problem) -> Form:
    """Return the form with a problem at the fields that it names; at its head if it names none that was typed."""
    errors = {
        error["field"]: error["message"] for error in problem.members.get("errors", ()) if error["field"] in values
    }
    document = None if errors else problem_document(problem, request.scope["state"]["request_id"])
    return Form(values, errors, document)


async def _conflicting(
    tx: Transaction, values: dict[str, str], now: msgspec.Struct, currency: str | None, spoken: str
) -> Form:  # fmt: skip
    held = Form.of(now, currency=currency, locale=spoken).values
    theirs = {
        name: held[name]
        for name in values
        if name in held and name != "expected_version" and held[name] != values[name].strip().replace("\r\n", "\n")
    }
    change = await last_change(tx, now.id)  # type: ignore[attr-defined]  # a view of a record with an id
    conflict = Conflict(change.actor if change else "", change.recorded_at if change else None, theirs)
    return Form(values | {"expected_version": held["expected_version"]}, conflict=conflict)
