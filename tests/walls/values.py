"""Bodies that a route accepts, made from the types that its handler declares: a route added tomorrow is called, too."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from msgspec import inspect as described

IdOf = Callable[[str], UUID]
"""The id that a field or parameter of this name is to carry."""

_SAMPLES = ("A1", "Ab 1", "EUR", "DE", "ada@example.com", "+49 30 1234567", "2026", "12.50", "123456")
_BY_NAME = {
    "issuer": "https://provider.invalid",
    "domain": "firm.invalid",
    "iban": "DE89370400440532013000",
    "currency": "EUR",
    "country": "DE",
    "vat_id": "DE136695976",
}
_PLAIN: dict[type[described.Type], Any] = {
    described.BoolType: True,
    described.DecimalType: "1",
    described.DateType: "2026-01-02",
    described.DateTimeType: "2099-01-02T03:04:05Z",
    described.NoneType: None,
    described.DictType: {},
    described.AnyType: {},
}


def body_of(kind: Any, id_of: IdOf) -> Any:
    """Return a body of a type with only what it demands; ``LookupError`` for a type that no sample fits."""
    return _value(described.type_info(kind), "body", id_of)


def value_of(kind: Any, name: str, id_of: IdOf) -> Any:
    """Return the value of a parameter."""
    return _value(described.type_info(kind), name, id_of)


def _value(kind: described.Type, name: str, id_of: IdOf) -> Any:
    if isinstance(kind, described.Metadata):
        return _value(kind.type, name, id_of)
    if isinstance(kind, described.UnionType):
        return _value(next(part for part in kind.types if not isinstance(part, described.NoneType)), name, id_of)
    if isinstance(kind, described.StructType):
        return {field.encode_name: _value(field.type, field.name, id_of) for field in kind.fields if field.required}
    if isinstance(kind, described.ListType):
        return [_value(kind.item_type, name, id_of) for _ in range(kind.min_length or 1)]
    if isinstance(kind, described.UUIDType):
        return str(id_of(name))
    if isinstance(kind, described.LiteralType):
        return "viewer" if "viewer" in kind.values else kind.values[0]
    if isinstance(kind, described.IntType):
        return 1 if kind.ge is None else max(kind.ge, 1)
    if isinstance(kind, described.StrType):
        return _text(kind, name)
    return _PLAIN[type(kind)]


def _text(kind: described.StrType, name: str) -> str:
    for sample in ([_BY_NAME[name]] if name in _BY_NAME else []) + list(_SAMPLES):
        fits = (kind.min_length or 0) <= len(sample) <= (kind.max_length or len(sample))
        if fits and (kind.pattern is None or re.search(kind.pattern, sample)):
            return sample
    raise LookupError(f"No sample text fits {name} ({kind.pattern}): add one.")


def replaced(body: Any, ids: set[str]) -> Any:
    """Return a text or document with the ids that the caller sent, and the request's own, blanked out."""
    text = msgspec.json.encode(body).decode() if not isinstance(body, str) else body
    for one in ids:
        text = text.replace(one, "<id>")
    return re.sub(r"/requests/[0-9a-f-]{36}", "/requests/<request>", text)
