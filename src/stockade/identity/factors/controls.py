"""Factors under attack: a passkey that is enrolled, used and copied, and codes that are brought twice (claims B1, B6).

Each control works with a person of its own in a probe tenant, made at the first run, and takes back what it enrolled.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import pyotp

from stockade.identity.factors import passkeys, recovery, totp
from stockade.identity.factors.authenticator import Authenticator
from stockade.identity.factors.ceremony import Party
from stockade.identity.sealing import Sealer
from stockade.identity.service.members import Place, add_member, list_members
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.web.controls.sessions import FIRST_PAGE, CannotSignIn, Forms, post
from stockade.web.wire import HTML, Line, Reply, as_json

_OPTIONS, _ANSWER = "/sign-in/passkey/options", "/sign-in/passkey"
_AT_ONCE = 4
_EVERY = timedelta(hours=6)
_MAX_AGE = timedelta(hours=13)


class _Browser:
    """A stranger's browser at the sign-in page: its visitor's cookie and the page's CSRF token."""

    def __init__(self, line: Line, cookie: str, token: str) -> None:
        self.line = line
        self.cookie = cookie
        self.token = token

    @classmethod
    async def at_sign_in(cls, line: Line) -> "_Browser":
        """Open the sign-in page; ``CannotSignIn`` if it is not the one with the form."""
        page = await line.ask("GET", "/sign-in", {"Accept": HTML})
        fields = Forms(page.body).to("/sign-in").fields
        return cls(line, _cookies(page), fields.get("csrf_token", ""))

    async def options(self) -> str:
        """Ask for a sign-in's options; ``CannotSignIn`` if there are none."""
        reply = await self._post(_OPTIONS, {})
        asked = as_json(reply).get("publicKey")
        if reply.status != 200 or not isinstance(asked, dict):
            raise CannotSignIn(f"the options were answered with {reply.status}")
        return msgspec.json.encode(asked).decode()

    async def answer(self, answer: dict[str, Any]) -> Reply:
        """Bring an answer."""
        return await self._post(_ANSWER, {"answer": answer, "next": ""})

    async def _post(self, path: str, body: dict[str, Any]) -> Reply:
        headers = {"Content-Type": "application/json", "Cookie": self.cookie, "X-CSRF-Token": self.token}
        return await self.line.ask("POST", path, headers, msgspec.json.encode(body))


@control(
    id="identity.passkeys-open-once", claims=("B1",), every=_EVERY, max_age=_MAX_AGE,
    standards=("OWASP ASVS 5.0 V6.7", "NIST SP 800-63B 3.1.7", "ISO 27001 A.8.5"),
    statement="A passkey opens the admin panel without a name and a password; its signature opens nothing a second "
    "time, for another origin, or without a verified user, and one that was copied is revoked.",
)  # fmt: skip
async def passkeys_open_once(installation: Installation) -> Finding:
    """Enrol two authenticators for a probe's person, sign in with one over the wire, and misuse both."""
    wrong: list[str] = []
    try:
        async with _person(installation) as person:
            plain = await _enrolled(installation, person, counter=None)
            counting = await _enrolled(installation, person, counter=0)
            for misuse, device in (
                (_breaches_of_use, plain),
                (_breaches_of_lies, plain),
                (_breaches_of_copying, counting),
            ):
                async with Line(installation) as line:  # each from its own address, which may try ten times a minute
                    wrong += await misuse(await _Browser.at_sign_in(line), device)
    except CannotSignIn as reason:
        return Finding(False, f"It cannot be checked: {reason}.")
    return finding(9, "properties of a sign-in by passkey", wrong)


@control(
    id="identity.codes-work-once", claims=("B6",), every=_EVERY, max_age=_MAX_AGE,
    standards=("RFC 6238 section 5.2", "OWASP ASVS 5.0 V6.5", "NIST SP 800-63B 3.1.5"),
    statement="A code of an authenticator app and a recovery code are each accepted once, however many bring it at "
    "the same time; the app's seed lies sealed.",
)  # fmt: skip
async def codes_work_once(installation: Installation) -> Finding:
    """Set an app up for a probe's person and bring its codes again and again; then the same with recovery codes."""
    async with _person(installation) as person:
        wrong = [
            *await _breaches_of_app(installation, person),
            *await _breaches_of_recovery(installation, person),
        ]
    return finding(9, "properties of codes", wrong)


async def _breaches_of_use(browser: _Browser, device: Authenticator) -> list[str]:
    """Sign in honestly, then bring the same signature again."""
    options = await browser.options()
    asked = msgspec.json.decode(options)
    wrong = []
    if asked.get("userVerification") != "required" or asked.get("allowCredentials"):
        wrong.append("the options name somebody, or do not demand a verified user")
    answer = device.get(options)
    first = await browser.answer(answer)
    session = _cookies(first)
    page = await browser.line.ask("GET", FIRST_PAGE, {"Accept": HTML, "Cookie": session})
    if first.status != 200 or not session or page.status != 200:
        return [*wrong, f"a good signature is answered with {first.status}, and the panel with {page.status}"]
    await post(browser.line, Forms(page.body).to("/sign-out"), session)
    return wrong + _not_refused("a replayed signature", await browser.answer(answer))


async def _breaches_of_lies(browser: _Browser, device: Authenticator) -> list[str]:
    """Bring a signature for another origin, host or challenge, and one of nobody verified."""
    wrong: list[str] = []
    for name, lies in (
        ("a signature for another origin", {"origin": "https://example.com"}),
        ("a signature for another host", {"host": "example.com"}),
        ("a signature of an unverified user", {"verifies": False}),
        ("a signature for another challenge", {"challenge": "A" * 43}),
    ):  # fmt: skip
        wrong += _not_refused(name, await browser.answer(device.get(await browser.options(), **lies)))
    return wrong


async def _breaches_of_copying(browser: _Browser, device: Authenticator) -> list[str]:
    """Use a passkey, then a copy of it from before, then the genuine one, which is revoked by now."""
    copy = device.clone()
    first = await browser.answer(device.get(await browser.options()))
    if first.status != 200:
        return [f"a signature that counts is answered with {first.status}"]
    page = await browser.line.ask("GET", FIRST_PAGE, {"Accept": HTML, "Cookie": _cookies(first)})
    await post(browser.line, Forms(page.body).to("/sign-out"), _cookies(first))
    wrong = _not_refused("a copy's signature", await browser.answer(copy.get(await browser.options())))
    return wrong + _not_refused("a copied passkey", await browser.answer(device.get(await browser.options())))


def _not_refused(name: str, reply: Reply) -> list[str]:
    session = "__Host-session=" in _cookies(reply)
    return [f"{name} is answered with {reply.status}"] if reply.status != 401 or session else []


async def _breaches_of_app(installation: Installation, person: Principal) -> list[str]:
    database, account_id, sealer = installation.application, person.actor_id, Sealer(os.urandom(32))
    async with database.transaction(person) as tx:
        begun = await totp.begin(tx, sealer)
        at_rest = [bytes(row[0]) for row in await tx.fetch("select seed_sealed from identity.own_totp()")]
    app = pyotp.TOTP(begun.seed)
    step = int(time.time()) // totp.STEP_SECONDS
    used, following = (app.generate_otp(number) for number in (step, step + 1))
    async with database.transaction(person) as tx:
        await totp.confirm(tx, sealer, used)
    wrong = []
    if any(app.byte_secret() in sealed or begun.seed.encode() in sealed for sealed in at_rest) or not at_rest:
        wrong.append("the app's seed lies open in the table")
    if used != following and await totp.check(database, sealer, account_id, used):
        wrong.append("the code that set the app up is accepted again")
    wrong += _not_once(
        "a code", await _at_once([totp.check(database, sealer, account_id, following) for _ in range(_AT_ONCE)])
    )
    if await totp.check(database, sealer, account_id, following):
        wrong.append("a code is accepted again")
    if await totp.check(database, sealer, new_id(), following):
        wrong.append("a code is accepted for somebody without an app")
    return wrong


async def _breaches_of_recovery(installation: Installation, person: Principal) -> list[str]:
    database, account_id = installation.application, person.actor_id
    async with database.transaction(person) as tx:
        codes = await recovery.regenerate(tx)
    wrong = _not_once(
        "a recovery code", await _at_once([recovery.use(database, account_id, codes[0]) for _ in range(_AT_ONCE)])
    )
    if await recovery.use(database, account_id, codes[0]):
        wrong.append("a recovery code is accepted again")
    if await recovery.use(database, new_id(), codes[1]):
        wrong.append("a recovery code is accepted for somebody else")
    async with database.transaction(person) as tx:
        await recovery.regenerate(tx)
    if await recovery.use(database, account_id, codes[1]):
        wrong.append("a recovery code of an older set is accepted")
    return wrong


async def _at_once(tries: Sequence[Any]) -> int:
    return sum(await asyncio.gather(*tries))


def _not_once(name: str, accepted: int) -> list[str]:
    return [] if accepted == 1 else [f"{name} that {_AT_ONCE} bring at the same time is accepted {accepted} times"]


@asynccontextmanager
async def _person(installation: Installation) -> AsyncIterator[Principal]:
    """The controls' person of the first probe tenant, without any factor before and after."""
    probe = installation.probes[0]
    address = f"factors-{probe.tenant_id.hex}@stockade.invalid"
    async with installation.application.transaction(probe.principal) as tx:
        known = [member.account_id for member in await list_members(tx) if member.email == address]
        account_id: UUID = known[0] if known else await add_member(
            tx, id=new_id(), email=address, name="Factors of the controls", place=Place(role="viewer")
        )  # fmt: skip
    person = Principal(tenant_id=probe.tenant_id, actor_id=account_id, kind=ActorKind.USER, role="viewer")
    await _take_back(installation, person)
    try:
        yield person
    finally:
        await _take_back(installation, person)


async def _take_back(installation: Installation, person: Principal) -> None:
    async with installation.application.transaction(person) as tx:
        for kept in await passkeys.list_passkeys(tx):
            if kept.revoked_at is None:
                await passkeys.revoke_passkey(tx, kept.id)
        if await tx.fetch("select id from identity.own_totp() where confirmed_at is not null"):
            await totp.remove(tx)


async def _enrolled(installation: Installation, person: Principal, *, counter: int | None) -> Authenticator:
    """Enrol a fresh authenticator under the installation's own name and origin."""
    party = Party(urlsplit(installation.origin).hostname or "", installation.origin)
    device, browser = Authenticator(party.origin, party.host, counter), os.urandom(16).hex()
    async with installation.application.transaction(person) as tx:
        options = await passkeys.begin_enrolment(tx, party, browser)
        await passkeys.finish_enrolment(tx, party, browser, device.create(options), "Control")
    return device


def _cookies(reply: Reply) -> str:
    """Return the cookies that an answer sets, as a browser sends them."""
    return "; ".join(text.partition(";")[0] for text in reply.all("set-cookie"))
