"""The keys that access tokens are signed with: made, published, rotated and verified, the same in every process.

Each key is published a while before it signs ("next"), so that whoever keeps our key set for minutes knows it by then,
and a while after ("retiring"), until the last token that it signed has expired. The private parts lie sealed
(``identity.sealing``). Processes read the keys once a minute, and rotate what is due under one lock of the database.
"""

import asyncio
import time
import warnings
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey

from stockade.identity.sealing import Sealer
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.tenancy.transaction import Database

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
"""RFC 9068: an access token, and no other signed thing of ours."""
ROTATED_AFTER = timedelta(days=30)
READ_EVERY_SECONDS = 60.0
UNKNOWN_EVERY_SECONDS = 5.0
_PLACE = ("identity.signing_key", "private_sealed")
_READ = "select id, key_id, public_jwk, private_sealed, state, activated_at from identity.signing_keys()"
_ROTATE = "select identity.rotate_signing_keys($1, $2, $3, $4, $5, $6)"
# RFC 9864 prefers the name "Ed25519"; verifiers out there know "EdDSA", and ours admits this curve alone.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)


class Forged(Exception):
    """A token that no key of ours signed, or not as we sign."""


class _Key(msgspec.Struct, frozen=True):
    id: UUID
    key_id: str
    public_jwk: dict[str, Any]
    private_sealed: bytes
    state: Literal["next", "active", "retiring"]
    activated_at: datetime | None


class SigningKeys:
    """The installation's signing keys, as this process knows them."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._rows: dict[str, _Key] = {}
        self._public: dict[str, OKPKey] = {}
        self._active: tuple[str, OKPKey] | None = None
        self._read_at = time.monotonic() - 2 * READ_EVERY_SECONDS
        self._lock = asyncio.Lock()

    async def sign(self, database: Database, claims: dict[str, Any]) -> str:
        """Return claims signed by the active key."""
        await self._refresh(database, READ_EVERY_SECONDS)
        assert self._active is not None  # what is read has one
        key_id, key = self._active
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": key_id}
        return jwt.encode(header, claims, key, algorithms=[ALGORITHM])

    async def verify(self, database: Database, token: str, header: dict[str, Any]) -> dict[str, Any]:
        """Return what a key of ours signed; ``Forged``. The header holds three names, and nothing that brings a key."""
        key_id = header.get("kid")
        if set(header) != {"alg", "typ", "kid"} or header["alg"] != ALGORITHM or header["typ"] != TYPE:
            raise Forged
        await self._refresh(database, READ_EVERY_SECONDS)
        if not isinstance(key_id, str):
            raise Forged
        if key_id not in self._public:  # rotated a moment ago, perhaps; made-up names make us read now and then only
            await self._refresh(database, UNKNOWN_EVERY_SECONDS)
        key = self._public.get(key_id)
        if key is None:
            raise Forged
        try:
            return dict(jwt.decode(token, key, algorithms=[ALGORITHM]).claims)
        except (JoseError, ValueError, TypeError, KeyError):
            raise Forged from None

    async def knows(self, database: Database, key_id: str) -> bool:
        """Return whether a key verifies still."""
        await self._refresh(database, READ_EVERY_SECONDS)
        return key_id in self._public

    async def published(self, database: Database) -> dict[str, Any]:
        """Return the key set (RFC 7517): public parts only."""
        await self._refresh(database, READ_EVERY_SECONDS)
        more = {"use": "sig", "alg": ALGORITHM}
        return {"keys": [row.public_jwk | more | {"kid": row.key_id} for row in self._rows.values()]}

    async def rotate(self, database: Database, *, compromised: bool = False) -> None:
        """Let the next key sign from now on. ``compromised``: keys there were verify nothing from the next reading on,
        within a minute in every process; programs go on by their refresh tokens."""
        async with self._lock:
            await self._ask(database, timedelta(0), compromised=compromised)
            await self._read(database)

    async def _refresh(self, database: Database, seconds: float) -> None:
        if time.monotonic() - self._read_at < seconds:
            return
        async with self._lock:
            if time.monotonic() - self._read_at >= seconds:
                await self._read(database)

    async def _read(self, database: Database) -> None:
        """Read what is there, after what is missing or due was made: at most an active key, and a next one."""
        rows = await self._fetch(database)
        for _ in range(2):
            if not _is_due(rows):
                break
            await self._ask(database, ROTATED_AFTER)
            rows = await self._fetch(database)
        active = next(row for row in rows if row.state == "active")
        private = OKPKey.import_key(msgspec.json.decode(self._sealer.open(active.private_sealed, *_PLACE, active.id)))
        self._rows = {row.key_id: row for row in rows}
        self._public = {row.key_id: OKPKey.import_key(row.public_jwk) for row in rows}
        self._active = (active.key_id, private)
        self._read_at = time.monotonic()

    async def _fetch(self, database: Database) -> list[_Key]:
        async with database.gate().acquire() as connection:
            return [_Key(**dict(row)) for row in await connection.fetch(_READ)]

    async def _ask(self, database: Database, due: timedelta, *, compromised: bool = False) -> None:
        """Offer the database a fresh key; it takes it where one is missing or due."""
        row_id, key = new_id(), OKPKey.generate_key("Ed25519")
        sealed = self._sealer.seal(msgspec.json.encode(key.as_dict(private=True)), *_PLACE, row_id)
        public = key.as_dict(private=False)
        async with database.gate().acquire() as connection:
            await connection.fetchval(_ROTATE, row_id, key.thumbprint(), public, sealed, due, compromised)


def _is_due(rows: list[_Key]) -> bool:
    active = next((row for row in rows if row.state == "active"), None)
    if active is None or active.activated_at is None or not any(row.state == "next" for row in rows):
        return True
    return active.activated_at + ROTATED_AFTER <= now()
