"""Nobody gets in before their address is proved: tried with a right password and a good link (claim B8)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from stockade.identity.passwords.hashing import hash_password
from stockade.identity.service.members import Place, add_member
from stockade.identity.service.sign_in import issue_link
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.web.controls.sessions import CannotSignIn, Form, Forms, post
from stockade.web.wire import HTML, Line, Reply

_PERSON = "unverified@control.invalid"
_MEMBER = "select membership_id, account_id, state from identity.people() where email = $1"
_PLACE = "update identity.membership set state = $3 where tenant_id = $1 and id = $2"
_UNPROVED = "update identity.account set password_hash = $2, email_verified_at = null, verified_by = null where id = $1"
_SESSION = "__Host-session=se_"


@control(
    id="identity.addresses-proved-first", claims=("B8",), every=timedelta(hours=1), max_age=timedelta(hours=3),
    standards=("OWASP ASVS 5.0 V6.4", "NIST SP 800-63A 4.1", "SOC 2 CC6.2"),
    statement="An account whose e-mail address is not proved gets no session by its right password, nor by a one-time "
    "link that was not mailed; a mailed link that is only opened proves nothing; and once the address is proved by "
    "it, the same ways lead in.",
)  # fmt: skip
async def addresses_proved_first(installation: Installation) -> Finding:
    """Bring the right password and good links of a probe's person before and after the address is proved."""
    wrong: list[str] = []
    password = os.urandom(18).hex()
    try:
        async with _person(installation, await hash_password(password)) as account_id, Line(installation) as line:
            if _is_in(await _password(line, password)):
                wrong.append("the right password of an unproved address gave a session")
            if _is_in(await _follow(line, await _link(installation, account_id, None))):
                wrong.append("a link that was shown to somebody gave a session")
            mailed = await _link(installation, account_id, "mail")
            await _open(line, mailed)
            if _is_in(await _password(line, password)):
                wrong.append("a mailed link that was only opened proved the address")
            if not _is_in(await _follow(line, mailed)):
                return Finding(False, "It cannot be checked: a mailed link that is followed lets nobody in.")
            if not _is_in(await _password(line, password)):
                return Finding(False, "It cannot be checked: the password lets nobody in, even with a proved address.")
    except CannotSignIn as reason:
        return Finding(False, f"It cannot be checked: {reason}.")
    return finding(5, "ways in", wrong)


@asynccontextmanager
async def _person(installation: Installation, hashed: str) -> AsyncIterator[UUID]:
    """A probe's person with a password and an unproved address; without a place and a password afterwards."""
    principal = installation.probes[0].principal
    async with installation.application.transaction(principal) as tx:
        known = await tx.fetchrow(_MEMBER, _PERSON)
        if known is None:
            member_id = new_id()
            account_id = await add_member(
                tx, id=member_id, email=_PERSON, name="Probe of addresses", place=Place(role="viewer")
            )
        else:
            member_id, account_id = known[0], known[1]
        await tx.execute(_PLACE, tx.tenant_id, member_id, "active")
    await _unprove(installation, account_id, hashed)
    try:
        yield account_id
    finally:
        await _unprove(installation, account_id, None)
        async with installation.application.transaction(principal) as tx:
            await tx.execute(_PLACE, tx.tenant_id, member_id, "ended")


async def _unprove(installation: Installation, account_id: Any, hashed: str | None) -> None:
    async with installation.platform.main().acquire() as connection:
        await connection.execute(_UNPROVED, account_id, hashed)


async def _link(installation: Installation, account_id: UUID, by: Any) -> str:
    async with installation.application.transaction(installation.probes[0].principal) as tx:
        return await issue_link(tx, account_id, valid=timedelta(minutes=5), vouched_by=by)


async def _open(line: Line, secret: str) -> tuple[Form, str]:
    opened = await line.ask("GET", f"/sign-in/once?{urlencode({'token': secret})}", {"Accept": HTML})
    cookies = "; ".join(text.partition(";")[0] for text in opened.all("set-cookie"))
    return Forms(opened.body).to("/sign-in/once"), cookies


async def _follow(line: Line, secret: str) -> Reply:
    form, cookies = await _open(line, secret)
    return await _answered(line, form, cookies)


async def _password(line: Line, password: str) -> Reply:
    opened = await line.ask("GET", "/sign-in", {"Accept": HTML})
    cookies = "; ".join(text.partition(";")[0] for text in opened.all("set-cookie"))
    form = Forms(opened.body).to("/sign-in")
    return await _answered(line, Form(form.action, form.fields | {"email": _PERSON, "password": password}), cookies)


async def _answered(line: Line, form: Form, cookies: str) -> Reply:
    """Send a form; an answer that is neither a way on nor inside proves nothing about either."""
    reply = await post(line, form, cookies)
    if reply.status != 303:
        raise CannotSignIn(f"{form.action} was answered with {reply.status}")
    return reply


def _is_in(reply: Reply) -> bool:
    return any(text.startswith(_SESSION) for text in reply.all("set-cookie"))
