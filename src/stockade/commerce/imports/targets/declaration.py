"""What can be imported: each target says which fields its lines have, and what a line does."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from stockade.access.permissions import Permission
from stockade.commerce.imports.fields import Field, Mapped, Reason, Values
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

Outcome = Literal["created", "updated", "unchanged"]


FILL_IN = N_("This is missing.")


class Rejected(Exception):
    """A line that cannot be taken, and why."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__("; ".join(reason.said() for reason in reasons))
        self.reasons = reasons


class Taken(msgspec.Struct, frozen=True):
    """What a line did, and to which record."""

    outcome: Outcome
    record_id: UUID


class Batch(Protocol):
    """Some lines of one import, with what they refer to looked up once for all of them."""

    async def take(self, tx: Transaction, values: Values) -> Taken:
        """Do what a line says, by the verbs that the API has; ``Rejected`` or a ``Problem`` if that cannot be."""


class Target(Protocol):
    """A kind of record that can be imported."""

    @property
    def permissions(self) -> Sequence[Permission]:
        """What its lines take when they are entered one by one, and so take here."""

    @property
    def fields(self) -> Sequence[Field]:
        """What a line can say."""

    @property
    def types(self) -> Mapping[str, Any]:
        """The type of each field, as the API's command bounds it."""

    async def defaults(self, tx: Transaction) -> Mapped:
        """Return what fields without a column get, unless the person decides otherwise."""

    async def spellings(self, tx: Transaction) -> Mapping[str, Mapping[str, str]]:
        """Return by field what else this tenant may write for its choices."""

    def key(self, values: Values) -> str:
        """Return what a line is about, so that none is about the same twice; empty if that cannot be said."""

    async def batch(self, tx: Transaction, run_id: UUID, lines: Sequence[Values]) -> Batch:
        """Look up what the lines refer to."""


def types_of(command: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the types of a command's fields."""
    return {field.name: field.type for field in msgspec.structs.fields(command)}


def missing(fields: Sequence[Field], values: Values) -> list[Reason]:
    """Return a reason for each field that a new record needs and a line does not have."""
    return [Reason(field.name, FILL_IN) for field in fields if field.required and field.name not in values]
