"""How a tenant's letters are signed: read, and set."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from stockade.kernel.problems import VersionConflict
from stockade.mail.addresses import TEXT_PATTERN, Address, Line
from stockade.mail.model import Setting
from stockade.tenancy.one_row import OneRow
from stockade.tenancy.transaction import Transaction

Signature = Annotated[str, msgspec.Meta(max_length=1000, pattern=TEXT_PATTERN)]


class MailSetting(msgspec.Struct, frozen=True):
    """How letters are signed; version 0 until somebody has set it. Without a name, it is the company's."""

    id: UUID
    sender_name: str | None
    reply_to: str | None
    signature: str
    version: int


class MailSettingChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays as it is."""

    expected_version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    sender_name: Line | UnsetType | None = UNSET
    reply_to: Address | UnsetType | None = UNSET
    signature: Signature | UnsetType = UNSET


_SETTING = OneRow(Setting, MailSetting, {"sender_name": None, "reply_to": None, "signature": ""})


async def read_setting(tx: Transaction) -> MailSetting:
    """Return how letters are signed."""
    return await _SETTING.read(tx)


async def set_setting(tx: Transaction, change: MailSettingChange) -> MailSetting:
    """Set how letters are signed from now on; ``VersionConflict`` unless it still is as it was read."""
    before = await read_setting(tx)
    if before.version != change.expected_version:
        raise VersionConflict
    given = {
        name: getattr(before, name) if getattr(change, name) is UNSET else getattr(change, name)
        for name in _SETTING.names
    }
    return await _SETTING.set(tx, change.expected_version, given)
