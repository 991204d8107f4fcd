"""An installation that sends mail, somebody who reads theirs, and the worker between them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
from tests.conftest import Server, TenantFixture
from tests.mail.posting import Post, post_office
from tests.running import ORIGIN, Site, browser, running_site

from stockade.database.roles import Role
from stockade.identity.mailed import answering
from stockade.identity.passwords.hashing import hash_password
from stockade.identity.service.members import Place, add_member
from stockade.kernel.ids import new_id
from stockade.mail.delivering import Courier
from stockade.mail.relay import relay_of
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal
from stockade.tenancy.transaction import Database, open_pool

OLD, NEW = "the password of before", "the password from now on"


class Office(msgspec.Struct):
    """The installation, its worker, and what arrives at a real SMTP server."""

    site: Site
    tenant: TenantFixture
    worker: Database
    post: Post
    superuser: Any

    async def work(self) -> None:
        """Do what the worker does: answer the requests, hand the letters over."""
        for row in await self.superuser.fetch("select id from identity.letter_request order by asked_at"):
            await answering.answer(self.worker, ORIGIN, row["id"])
        relay = relay_of(self.site.installation.settings)
        await Courier(self.worker, relay, {}).deliver_due([self.tenant.id])

    async def letters_to(self, address: str) -> list[EmailMessage]:
        """Return what arrived at an address, after the worker has had its turn."""
        await self.work()
        return [letter for letter in self.post.letters if letter["To"] == address]

    async def person(self, *, verified: bool = True, password: str | None = OLD, role: str = "owner") -> "Person":
        """Make a member with a password; one whom the installation vouches for, or one whom somebody invited."""
        email = f"{new_id().hex}@example.com"
        by = self.tenant.principal if verified else self.somebody()
        async with self.site.database.transaction(by) as tx:
            account_id = await add_member(tx, id=new_id(), email=email, name="Ada", place=Place(role=role))
        if password is not None:
            hashed = await hash_password(password)
            sql = "update identity.account set password_hash = $1 where id = $2"
            await self.superuser.execute(sql, hashed, account_id)
        return Person(account_id, email)

    def somebody(self) -> Principal:
        """A person who works here: nobody whose word proves an address."""
        return Principal(tenant_id=self.tenant.id, actor_id=new_id(), kind=ActorKind.USER, role="owner")

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A browser with cookies of its own."""
        return browser(self.site, **headers)


class Person(msgspec.Struct):
    """A member."""

    account_id: UUID
    email: str


@asynccontextmanager
async def opened(
    server: Server, database_name: str, run: Path, database: Database, tenant: TenantFixture, superuser: Any,
    **settings: Any,
) -> AsyncIterator[Office]:  # fmt: skip
    """Open the installation with a relay on this machine."""
    post = Post()
    pool = await open_pool(server.dsn(Role.WORKER, database_name), server.signer, size=4)
    worker = Database({"main": pool})
    with post_office(post) as office:
        given: dict[str, Any] = {
            "smtp_url": f"smtp://127.0.0.1:{office.port}", "mail_from": "post@stockade.example",
        } | settings  # fmt: skip
        secrets = server.keyring.folder.parent
        async with running_site(secrets, run, server.admin_dsn(database_name), database, **given) as site:
            await superuser.execute("delete from identity.letter_request")
            await superuser.execute("delete from identity.throttle")  # every test comes from one address
            yield Office(site, tenant, worker, post, superuser)
    await worker.close()


async def fill(browser: httpx.AsyncClient, path: str, action: str | None = None, **fields: str) -> httpx.Response:
    """Open a page and send its form."""
    page = await browser.get(path)
    assert page.status_code == 200, page.text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="(token)" value="([^"]*)"', page.text))
    return await browser.post(action or path.partition("?")[0], data={"csrf_token": found[1]} | hidden | fields)


def text_of(letter: EmailMessage) -> str:
    """What the letter says, as plain text."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def path_in(letter: EmailMessage) -> str:
    """Where the letter's link leads, on our own site."""
    found = re.search(rf"{ORIGIN}(/\S+)", text_of(letter))
    assert found, text_of(letter)
    return found[1]


def is_in(answer: httpx.Response) -> bool:
    """Whether an answer brought a session."""
    return any(text.startswith("__Host-session=se_") for text in answer.headers.get_list("set-cookie"))
