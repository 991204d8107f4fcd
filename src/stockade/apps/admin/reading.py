"""Reading what people type: the text fields of a form become the command that the API's verb takes.

The command's own types say what is allowed; here they are only told to people, every field at once. A field that the
form does not have is left to the command's default; a list of structs is read from ``lines.0.quantity``,
``lines.1.quantity`` and so on, by number, whole lines that were left empty passed over; a list of plain values from one
field, separated by commas, spaces or breaks.
"""

import re
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec

from stockade.kernel.money import exponent_of
from stockade.kernel.words import N_, said
from stockade.web.languages import parsed_decimal, typed_decimal

Command = TypeVar("Command", bound=msgspec.Struct)
Fields = Mapping[str, str]
FILL_IN = N_("Fill this in.")
_BOUND = re.compile(r"Expected `[^`]+` (>=|<=|>|<|of length >=|of length <=) (-?\d+)")
_NUMBERED = re.compile(r"(\d{1,4})\.(.+)", re.DOTALL)
_TEXTS: Mapping[str, str] = {
    ">=": N_("At least {bound}."), "<=": N_("At most {bound}."),
    ">": N_("More than {bound}."), "<": N_("Less than {bound}."),
    "of length >=": N_("At least {bound} characters."), "of length <=": N_("At most {bound} characters."),
}  # fmt: skip
_BY_KIND: Mapping[Any, str] = {
    int: N_("Write a whole number."), Decimal: N_("Write a number."), date: N_("Choose a date."),
    datetime: N_("Choose a date and time."), UUID: N_("Choose one from the list."),
    str: N_("This holds a character that cannot be used here."),
}  # fmt: skip


class Reading(msgspec.Struct, Generic[Command]):
    """What was read: the command, or what is wrong by field (``""`` for what concerns several)."""

    command: Command | None
    errors: dict[str, str]


def read_form(
    fields: Fields, command: type[Command], *, currency: str | None = None, locale: str = "en"
) -> Reading[Command]:
    """Read a form. Fields named ``…_minor`` are typed in major units of ``currency``."""
    return _Reader(currency, locale).read(fields, command)


def typed(value: Any, name: str = "", *, currency: str | None = None, locale: str = "en") -> str:
    """Return a value as a person would type it into a field of this name."""
    if value is None or value is msgspec.UNSET or value is False:
        return ""
    if value is True:
        return "on"
    if name.endswith("_minor") and currency is not None:
        return typed_decimal(Decimal(value).scaleb(-exponent_of(currency)), locale)
    if isinstance(value, Decimal):
        return typed_decimal(value, locale)
    return value.isoformat() if isinstance(value, date) else str(value)


class _Reader:
    """One form's reading, in one currency and language."""

    def __init__(self, currency: str | None, locale: str) -> None:
        self.currency = currency
        self.locale = locale

    def read(self, fields: Fields, command: type[Command]) -> Reading[Command]:
        values: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for field in msgspec.structs.fields(command):
            kind, optional = _kind_of(field.type)
            if (item := _struct_listed(kind)) is not None:
                self._read_list(fields, field.encode_name, item, values, errors)
            elif field.encode_name in fields:
                self._read_one(fields[field.encode_name].strip(), field, kind, optional, values, errors)
            elif field.required:
                errors[field.encode_name] = FILL_IN
        if errors:
            return Reading(None, errors)
        return _made(command, values)

    def _read_one(
        self, text: str, field: msgspec.structs.FieldInfo, kind: Any, optional: bool, values: dict[str, Any],
        errors: dict[str, str],
    ) -> None:  # fmt: skip
        name = field.encode_name
        if kind is bool:
            values[field.name] = text not in ("", "false")
        elif not text and (optional or kind is not str):
            if optional:
                values[field.name] = None
            elif typing.get_origin(kind) is list:
                values[field.name] = []
            elif field.required:
                errors[name] = FILL_IN
        else:
            try:
                values[field.name] = msgspec.convert(self._value(text, name, kind), field.type, strict=False)
            except (ValueError, msgspec.ValidationError) as error:
                errors[name] = _told(str(error), text, field.type, kind)

    def _value(self, text: str, name: str, kind: Any) -> Any:
        """Return what the text means, as far as a language decides that; ``ValueError`` if it is no number."""
        if name.endswith("_minor") and self.currency is not None:
            minor = parsed_decimal(text, self.locale).scaleb(exponent_of(self.currency))
            if minor != minor.to_integral_value():
                raise ValueError("more places than the currency has")
            return int(minor)
        if typing.get_origin(kind) is list:
            return [part for part in re.split(r"[\s,]+", text) if part]
        if kind is Decimal:
            return str(parsed_decimal(text, self.locale))
        return text.replace("\r\n", "\n")

    def _read_list(
        self, fields: Fields, name: str, item: type[msgspec.Struct], values: dict[str, Any], errors: dict[str, str]
    ) -> None:  # fmt: skip
        numbered: dict[int, dict[str, str]] = {}
        for key, text in fields.items():
            if key.startswith(f"{name}.") and (found := _NUMBERED.fullmatch(key.removeprefix(f"{name}."))):
                numbered.setdefault(int(found[1]), {})[found[2]] = text
        kept = []
        for number in sorted(numbered):
            if not any(text.strip() for text in numbered[number].values()):
                continue
            line = self.read(numbered[number], item)
            errors |= {f"{name}.{number}.{part}".rstrip("."): told for part, told in line.errors.items()}
            kept.append(line.command)
        if numbered:
            values[name] = kept


def _made(command: type[Command], values: dict[str, Any]) -> Reading[Command]:
    """Make the command; what its ``__post_init__`` refuses is told at its only number, or over the form."""
    try:
        made = command(**values)
        # Building a struct checks no bounds of whole lists: converting it does.
        return Reading(msgspec.convert(msgspec.to_builtins(made, builtin_types=_KEPT), command, strict=False), {})
    except (ValueError, msgspec.ValidationError) as error:
        decimals = [name for name, value in values.items() if isinstance(value, Decimal)]
        text = _told(str(error), "", None, None) if isinstance(error, msgspec.ValidationError) else str(error)
        return Reading(None, {decimals[0] if len(decimals) == 1 else "": text})


_KEPT = (Decimal, date, datetime, UUID)


def _told(message: str, text: str, annotation: Any, kind: Any) -> str:
    """Say what msgspec's message means to somebody who has never heard of types."""
    if found := _BOUND.match(message):
        return FILL_IN if found[1] == "of length >=" and not text else said(_TEXTS[found[1]], bound=int(found[2]))
    if examples := _examples(annotation):
        return said(N_("Write it like {example}."), example=str(examples[0]))
    if "pattern" not in message and typing.get_origin(kind) is typing.Literal:
        return N_("Choose one from the list.")
    return _BY_KIND.get(kind, N_("This cannot be used here."))


def _examples(annotation: Any) -> list[Any]:
    for part in (annotation, *typing.get_args(annotation)):
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta) and meta.examples:
                return meta.examples
    return []


def _kind_of(annotation: Any) -> tuple[Any, bool]:
    """Return the type inside ``Annotated``, ``| None`` and ``| UnsetType``, and whether None is one of them."""
    optional = False
    while True:
        origin = typing.get_origin(annotation)
        if origin is Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in (typing.Union, types.UnionType):
            parts = typing.get_args(annotation)
            optional = optional or type(None) in parts
            annotation = next(part for part in parts if part not in (type(None), msgspec.UnsetType))
        else:
            return annotation, optional


def _struct_listed(kind: Any) -> type[msgspec.Struct] | None:
    """Return the struct that a list holds; None for anything else."""
    if typing.get_origin(kind) is not list:
        return None
    item, _ = _kind_of(typing.get_args(kind)[0])
    return item if isinstance(item, type) and issubclass(item, msgspec.Struct) else None
