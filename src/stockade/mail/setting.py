"""How a tenant's letters are signed: read, and set."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from stockade.database.statements import TENANT, param, statement
from stockade.kernel.problems import VersionConflict
from stockade.mail.addresses import TEXT_PATTERN, Address, Line
from stockade.mail.model import Setting
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


_FIELDS = [getattr(Setting, name) for name in MailSetting.__struct_fields__]
_READ = statement(select(*_FIELDS).where(Setting.tenant_id == TENANT, Setting.id == TENANT), MailSetting)
_GIVEN = {name: param(name) for name in ("sender_name", "reply_to", "signature")}
_SET = statement(
    insert(Setting)
    .values(tenant_id=TENANT, id=TENANT, **_GIVEN)
    .on_conflict_do_update(
        index_elements=(Setting.tenant_id, Setting.id), set_=_GIVEN | {"version": Setting.version + 1},
        where=Setting.version == param("expected"),
    )
    .returning(*_FIELDS),
    MailSetting,
)  # fmt: skip


async def read_setting(tx: Transaction) -> MailSetting:
    """Return how letters are signed."""
    return await _READ.first(tx) or MailSetting(tx.tenant_id, None, None, "", 0)


async def set_setting(tx: Transaction, change: MailSettingChange) -> MailSetting:
    """Set how letters are signed from now on; ``VersionConflict`` unless it still is as it was read."""
    before = await read_setting(tx)
    if before.version != change.expected_version:
        raise VersionConflict
    given = {
        name: getattr(before, name) if getattr(change, name) is UNSET else getattr(change, name) for name in _GIVEN
    }
    made = await _SET.first(tx, expected=change.expected_version, **given)
    if made is None:
        raise VersionConflict
    return made
