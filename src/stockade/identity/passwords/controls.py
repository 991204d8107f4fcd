"""Passwords at rest and in use: every stored hash is looked at, and a bcrypt hash is signed in with (claim B2).

The probe is a member of a probe tenant, made at the first run; each run puts a bcrypt hash of a fresh password in the
place of its hash, and takes it away at the end.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import bcrypt

from stockade.identity.passwords.hashing import LANES, MEMORY_KIB, PASSES, in_pool
from stockade.identity.service.importing import Person, import_people
from stockade.identity.service.members import Place, list_members
from stockade.kernel import logging
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.web.controls.sessions import FIRST_PAGE, CannotSignIn, Form, Forms, post
from stockade.web.wire import HTML, Line

_BCRYPT_COST = 12
_OURS = r"^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z0-9+/]{22,}\$[A-Za-z0-9+/]{43,}$"
_FOREIGN = (
    r"^(\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}|bcrypt_sha256\$\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}"
    r"|pbkdf2_sha256\$\d{5,7}\$[^$]{8,128}\$[A-Za-z0-9+/]{43}=|aspnet_v3\$AQAAAA[A-Za-z0-9+/=]{60,}"
    r"|\$argon2id?\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+)$"
)
_KEPT = """
with kept as (
    select password_hash as hash, false as brought from identity.account where password_hash is not null
    union all select password_hash, true from identity.imported_password
    union all select password_hash, false from platform.operator where password_hash <> ''
), read as (select hash, brought, regexp_match(hash, $1) as costs from kept)
select count(*) as looked_at,
    count(*) filter (where costs is null and not (brought and hash ~ $2)) as unknown,
    count(*) filter (where costs is not null and not brought and (
        costs[1]::bigint < $3 or costs[2]::bigint < $4 or costs[3]::bigint < $5)) as weak,
    count(*) filter (where costs is not null)
        - count(distinct split_part(hash, '$', 5)) filter (where costs is not null) as salts_again
from read
"""
"""Operators of a probe have no password, and none that is empty lets anybody in."""
_HASH = "select password_hash from identity.imported_password where account_id = $1"
_PUT = "insert into identity.imported_password (id, account_id, tenant_id, password_hash) values ($1, $2, $3, $4)"
_TAKE = "delete from identity.imported_password where account_id = $1"


@control(
    id="identity.passwords-kept-as-argon2id", claims=("B2",), every=timedelta(hours=1), max_age=timedelta(hours=3),
    standards=("OWASP ASVS 5.0 V11.4", "NIST SP 800-63B 3.1.1.2", "RFC 9106 section 4", "ISO 27001 A.5.17"),
    statement="Every password is kept as Argon2id of the demanded cost with a salt of its own, or is a hash of a known "
    "form that another system made; a bcrypt hash signs its person in and is replaced by that; passwords and hashes "
    "are cut out of what is logged.",
)  # fmt: skip
async def passwords_kept_as_argon2id(installation: Installation) -> Finding:
    """Sign in with a bcrypt hash over the wire, look at what is kept of it, and at every hash that is stored."""
    try:
        async with _person(installation) as (email, account_id), Line(installation) as line:
            wrong = await _breaches_of_upgrade(installation, line, email, account_id)
            looked_at, at_rest = await _breaches_at_rest(installation)
    except CannotSignIn as reason:
        return Finding(False, f"It cannot be checked: {reason}.")
    if not looked_at:
        return Finding(False, "It cannot be checked: no hash is stored, not even the probe's.")
    return finding(looked_at + 6, "stored hashes and properties of a sign-in", [*wrong, *at_rest, *_breaches_of_log()])


async def _breaches_of_upgrade(
    installation: Installation, line: Line, email: str, account_id: UUID
) -> list[str]:  # fmt: skip
    password = os.urandom(12).hex()
    old = await in_pool(lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(_BCRYPT_COST)).decode())
    await _put(installation, account_id, old)
    wrong = []
    if await _signs_in(line, email, os.urandom(12).hex()):
        wrong.append("a wrong password is accepted for a bcrypt hash")
    if await _kept(installation, account_id) != old:
        wrong.append("a wrong password replaces a bcrypt hash")
    if not await _signs_in(line, email, password):
        return [*wrong, "the password of a bcrypt hash is refused"]
    kept = await _kept(installation, account_id)
    if not kept.startswith("$argon2id$"):
        wrong.append("a bcrypt hash is kept after it was used")
    if not await _signs_in(line, email, password):
        wrong.append("the password is refused once its hash was replaced")
    if await _kept(installation, account_id) != kept:
        wrong.append("a hash of the demanded cost is replaced again")
    return wrong


async def _breaches_at_rest(installation: Installation) -> tuple[int, list[str]]:
    async with installation.platform.main().acquire() as connection:
        looked_at, unknown, weak, again = await connection.fetchrow(
            _KEPT, _OURS, _FOREIGN, MEMORY_KIB, PASSES, LANES
        )  # fmt: skip
    wrong = []
    if unknown:
        wrong.append(f"{unknown} stored hashes are of no known form")
    if weak:
        wrong.append(f"{weak} stored hashes are cheaper than m={MEMORY_KIB}, t={PASSES}, p={LANES}")
    if again:
        wrong.append(f"{again} stored hashes have another one's salt")
    return looked_at, wrong


def _breaches_of_log() -> list[str]:
    """Log as the product does: a password under its name, and hashes in the middle of a text."""
    secret = os.urandom(12).hex()
    hashes = [
        f"$2b$12${secret * 2}", f"$argon2id$v=19$m=65536,t=3,p=4${secret}${secret}", f"pbkdf2_sha256$10000$a${secret}",
    ]  # fmt: skip
    given: dict[str, Any] = {"password": secret, "text": f"kept {' and '.join(hashes)}", "new_password": secret}
    return ["a password or its hash is logged"] if secret in repr(logging.redact(None, "info", given)) else []


async def _signs_in(line: Line, email: str, password: str) -> bool:
    """Bring a password as a browser does; whether the panel opens. What it opened is closed again."""
    opened = await line.ask("GET", "/sign-in", {"Accept": HTML})
    form = Forms(opened.body).to("/sign-in")
    filled = Form(form.action, form.fields | {"email": email, "password": password})
    answer = await post(line, filled, _cookies(opened.all("set-cookie")))
    session = _cookies(answer.all("set-cookie"))
    if answer.status not in (303, 401):
        raise CannotSignIn(f"a password was answered with {answer.status}")
    page = await line.ask("GET", FIRST_PAGE, {"Accept": HTML, "Cookie": session})
    if answer.status == 401 or page.status != 200:
        return False
    await post(line, Forms(page.body).to("/sign-out"), session)
    return True


def _cookies(set_by: list[str]) -> str:
    return "; ".join(text.partition(";")[0] for text in set_by)


async def _kept(installation: Installation, account_id: UUID) -> str:
    async with installation.platform.main().acquire() as connection:
        return str(await connection.fetchval(_HASH, account_id))


async def _put(installation: Installation, account_id: UUID, hashed: str) -> None:
    async with installation.platform.main().acquire() as connection, connection.transaction():
        await connection.execute(_TAKE, account_id)
        await connection.execute(_PUT, new_id(), account_id, installation.probes[0].tenant_id, hashed)


@asynccontextmanager
async def _person(installation: Installation) -> AsyncIterator[tuple[str, UUID]]:
    """The controls' person of the first probe tenant: address and account, without a password before and after."""
    probe = installation.probes[0]
    email = f"passwords-{probe.tenant_id.hex}@stockade.invalid"
    async with installation.application.transaction(probe.principal) as tx:
        await import_people(tx, [Person(email=email, name="Passwords of the controls", place=Place(role="viewer"))])
        account_id = next(member.account_id for member in await list_members(tx) if member.email == email)
        await tx.execute("select identity.vouch($1, 'operator')", account_id)  # nobody reads its letters
    try:
        yield email, account_id
    finally:
        async with installation.platform.main().acquire() as connection:
            await connection.execute(_TAKE, account_id)
