"""How documents look: set, read, and found again as it was when a document was issued."""

import asyncio
import hashlib
from base64 import b64decode
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from stockade.commerce.parties import model
from stockade.database.statements import TENANT, param, statement
from stockade.documents import Branding, check_branding, cleaned_logo
from stockade.documents.render import FOOTER_MAX
from stockade.kernel.ids import new_id
from stockade.kernel.problems import Conflict, Invalid, VersionConflict
from stockade.tenancy.transaction import Transaction, on_violation

MOST_LOGOS = 50
"""How many different pictures a tenant keeps: those of issued documents stay."""
UPLOAD_TEXT_MAX = 1_400_000
_FOOTER = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*(?!\n)$"

Accent = Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-fA-F]{6}(?!\n)$", examples=["#1f4e5f"])]
Footer = Annotated[str, msgspec.Meta(max_length=FOOTER_MAX, pattern=_FOOTER)]
Picture = Annotated[
    str,
    msgspec.Meta(
        min_length=4, max_length=UPLOAD_TEXT_MAX, pattern=r"^[A-Za-z0-9+/]+={0,2}(?!\n)$",
        description="A PNG or JPEG file in base64.",
    ),
]  # fmt: skip

on_violation("branding_tenant_id_version_key", VersionConflict)


class TooManyLogos(Conflict):
    """A tenant keeps a bounded number of pictures."""

    type = "/problems/parties/too-many-logos"
    title = "There are too many logos; use one of those that you had"


class BrandingView(msgspec.Struct, frozen=True):
    """How documents look from now on; version 0 until somebody has set it."""

    version: int
    accent: str
    footer: str
    logo_id: UUID | None


class BrandingChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to look different; what is left out stays. ``logo`` null takes the logo away."""

    expected_version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    accent: Accent | UnsetType = UNSET
    footer: Footer | UnsetType = UNSET
    logo: Picture | UnsetType | None = UNSET


class _Dressed(msgspec.Struct, frozen=True):
    accent: str
    footer: str
    logo: bytes | None


_PLAIN = Branding()
_FIELDS = (model.Branding.version, model.Branding.accent, model.Branding.footer, model.Branding.logo_id)
_NEWEST = (
    select(*_FIELDS).where(model.Branding.tenant_id == TENANT).order_by(model.Branding.version.desc()).limit(1)
)  # fmt: skip
_CURRENT = statement(_NEWEST, BrandingView)
_dressed = (
    select(model.Branding.accent, model.Branding.footer, model.Logo.content.label("logo"))
    .outerjoin(model.Logo, (model.Logo.tenant_id == TENANT) & (model.Logo.id == model.Branding.logo_id))
    .where(model.Branding.tenant_id == TENANT)
)
_NEWEST_DRESS = statement(_dressed.order_by(model.Branding.version.desc()).limit(1), _Dressed)
_DRESS = statement(_dressed.where(model.Branding.id == param("id")), _Dressed)
_INSERT = statement(
    insert(model.Branding)
    .values(
        tenant_id=TENANT, id=param("id"), version=param("version"), accent=param("accent"), footer=param("footer"),
        logo_id=param("logo_id"),
    )
    .returning(*_FIELDS),
    BrandingView,
)  # fmt: skip
_KEEP_LOGO = statement(
    upsert(model.Logo)
    .values(tenant_id=TENANT, id=param("id"), content=param("content"), content_hash=param("hash"))
    .on_conflict_do_nothing(index_elements=(model.Logo.tenant_id, model.Logo.content_hash))
)
_LOGO_ID = statement(
    select(model.Logo.id).where(model.Logo.tenant_id == TENANT, model.Logo.content_hash == param("hash")), UUID
)
_LOGOS = statement(select(func.count()).select_from(model.Logo).where(model.Logo.tenant_id == TENANT), int)


async def read_branding(tx: Transaction) -> BrandingView:
    """Return how documents look from now on."""
    found = await _CURRENT.first(tx)
    return found or BrandingView(0, _PLAIN.accent, _PLAIN.footer, None)


async def set_branding(tx: Transaction, change: BrandingChange) -> BrandingView:
    """Set how documents look from now on; those that were issued keep their looks.

    ``UnusableBranding`` (422) for a logo that is no picture, ``VersionConflict`` unless it still is as it was read.
    """
    before = await read_branding(tx)
    if before.version != change.expected_version:
        raise VersionConflict
    accent = before.accent if change.accent is UNSET else change.accent.lower()
    footer = before.footer if change.footer is UNSET else change.footer.strip()
    check_branding(Branding(accent, None, footer))
    logo_id = before.logo_id if change.logo is UNSET else await _keep(tx, change.logo)
    return await _INSERT.one(tx, id=new_id(), version=before.version + 1, accent=accent, footer=footer, logo_id=logo_id)


async def dress(tx: Transaction) -> Branding:
    """Return how a document looks that is made now."""
    return _made(await _NEWEST_DRESS.first(tx))


async def dress_of(tx: Transaction, branding_id: UUID | None) -> Branding:
    """Return how a document looked when it was issued; plain where it was issued before anybody had chosen."""
    return _PLAIN if branding_id is None else _made(await _DRESS.first(tx, id=branding_id))


def _made(found: _Dressed | None) -> Branding:
    return _PLAIN if found is None else Branding(found.accent, found.logo, found.footer)


async def _keep(tx: Transaction, upload: str | None) -> UUID | None:
    """Keep a picture, drawn anew, and return its id; the same picture has the same one."""
    if upload is None:
        return None
    try:
        given = b64decode(upload, validate=True)
    except ValueError:
        raise Invalid("This is not base64.", field="logo") from None
    content = await asyncio.to_thread(cleaned_logo, given)
    hashed = hashlib.sha256(content).digest()
    if await _LOGO_ID.first(tx, hash=hashed) is None and await _LOGOS.one(tx) >= MOST_LOGOS:
        raise TooManyLogos
    await _KEEP_LOGO.run(tx, id=new_id(), content=content, hash=hashed)
    return await _LOGO_ID.one(tx, hash=hashed)
