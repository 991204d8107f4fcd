"""How a problem looks in the API description (RFC 9457)."""

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    message: str


class ProblemDocument(msgspec.Struct, frozen=True):
    """A refusal. ``type`` tells the kind, ``instance`` the request; ``errors`` names the fields at fault."""

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: list[FieldError] | None = None
