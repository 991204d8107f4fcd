"""Keyset paging: a page of a list, and a cursor to what follows it. Any depth costs the same."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

from stockade.kernel.problems import Invalid

Item = TypeVar("Item")
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many items a page holds at most.")]
Cursor = Annotated[
    str, QueryParameter(min_length=1, max_length=400, description="Where to go on: `next` of the page before.")
]
DEFAULT_LIMIT = 50


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Some items of a list; ``next`` is the cursor of the page after, null on the last one."""

    items: list[Item]
    next: str | None = None


def encode_cursor(*values: Any) -> str:
    """Return the place after a row, by the values that the list is sorted by."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def decode_cursor(text: str, types: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values of a cursor; ``Invalid`` if it is not one of ours."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        values: tuple[Any, ...] = msgspec.json.decode(raw, type=tuple[types], strict=False)  # type: ignore[valid-type]  # built at run time
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Invalid("This cursor does not come from a page of ours.", field="after") from None
    # A moment without a zone would be taken for one of the server's: ours always have one.
    if any(isinstance(value, datetime) and value.tzinfo is None for value in values) or any(
        isinstance(value, str) and "\0" in value for value in values
    ):
        raise Invalid("This cursor does not come from a page of ours.", field="after")
    return values
