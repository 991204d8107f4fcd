"""Commands about people and programs: members, sign-in links, passwords, API keys."""

import csv
import getpass
import sys
from pathlib import Path
from uuid import UUID

import click
import msgspec

from stockade.access.permissions import RANK
from stockade.apps.cli.frame import command, json_option, show, tenant_option
from stockade.apps.first_day import sign_in_link
from stockade.apps.installation import Installation
from stockade.database.roles import Role
from stockade.identity.model import ROLES
from stockade.identity.service import keys, members
from stockade.identity.service.importing import Person, import_people
from stockade.identity.service.passwords import set_password
from stockade.kernel.ids import new_id
from stockade.kernel.problems import NotFound, Refusal
from stockade.tenancy.principal import Principal
from stockade.tenancy.tenants import find_tenant
from stockade.tenancy.transaction import Database

role_option = click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")


async def principal_of(installation: Installation, slug: str) -> Principal:
    """The installation, acting inside the tenant with this slug."""
    async with installation.connect(Role.PLATFORM, size=1) as platform:
        return Principal.system((await find_tenant(platform, slug)).id)


@click.group(name="user")
def user_group() -> None:
    """People and their place in a tenant."""


@user_group.command(name="add")
@tenant_option
@role_option
@click.option("--name", required=True)
@click.argument("email")
@command
async def add(tenant: str, role: str, name: str, email: str) -> None:
    """Give a person a place in a tenant, and print a one-time sign-in link."""
    installation = Installation()
    who = await principal_of(installation, tenant)
    async with installation.connect(size=1) as database:
        async with database.transaction(who) as tx:
            account_id = await members.add_member(
                tx, id=new_id(), email=email, name=name, place=members.Place(role=role)
            )
        click.echo(await sign_in_link(database, who.tenant_id, account_id, installation.settings.origin))


@user_group.command(name="list")
@tenant_option
@json_option
@command
async def list_users(tenant: str, as_json: bool) -> None:
    """List the members of a tenant."""
    installation = Installation()
    who = await principal_of(installation, tenant)
    async with installation.connect(size=1) as database, database.transaction(who) as tx:
        show(await members.list_members(tx), as_json=as_json)


@user_group.command(name="link")
@tenant_option
@click.argument("email")
@command
async def link(tenant: str, email: str) -> None:
    """Print a one-time sign-in link for a member; it works once, for an hour."""
    click.echo(await link_of(Installation(), tenant, email))


async def link_of(installation: Installation, tenant: str, email: str) -> str:
    """Return a fresh one-time sign-in link for a member; ``NotFound`` and ``Refusal`` if there is none."""
    who = await principal_of(installation, tenant)
    async with installation.connect(size=1) as database:
        account_id = await _account_of(database, who, email)
        return await sign_in_link(database, who.tenant_id, account_id, installation.settings.origin)


@user_group.command(name="password")
@click.argument("email")
@command
async def password(email: str) -> None:
    """Set a person's password; it is asked for, or read from standard input."""
    given = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    installation = Installation()
    async with installation.connect(Role.PLATFORM, size=1) as platform:
        await set_password(
            platform, email=email, password=given, breached=installation.settings.breached_passwords
        )  # fmt: skip
    click.echo("The password is set.")


@user_group.command(name="import")
@tenant_option
@json_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@command
async def import_users(tenant: str, as_json: bool, file: Path) -> None:
    """Give the people of a CSV file (email,name,role,password_hash) a place in a tenant.

    A hash (bcrypt, Django's, Argon2id, ASP.NET Core Identity's version 3) counts for accounts that the import makes.
    """
    people = _people_of(file)
    installation = Installation()
    who = await principal_of(installation, tenant)
    async with installation.connect(size=1) as database, database.transaction(who) as tx:
        show(await import_people(tx, people), as_json=as_json)


def _people_of(file: Path) -> list[Person]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refusal(f"{file} cannot be read as CSV in UTF-8: {error}.") from None
    people = []
    for number, row in enumerate(rows, 2):
        if not row.get("email") or "@" not in row["email"] or not row.get("name") or row.get("role") not in ROLES:
            raise Refusal(f"Line {number} of {file} lacks an e-mail address, a name or one of the roles {ROLES}.")
        place = members.Place(role=row["role"])
        hashed = row.get("password_hash") or None
        people.append(Person(email=row["email"], name=row["name"].strip(), place=place, password_hash=hashed))
    return people


async def _account_of(database: Database, who: Principal, email: str) -> UUID:
    async with database.transaction(who) as tx:
        for member in await members.list_members(tx):
            if member.email == email.strip().lower() and member.state == "active":
                return member.account_id
    raise NotFound(f"{email} is no member of this tenant.")


@click.group(name="apikey")
def apikey_group() -> None:
    """API keys, for programs."""


class NewKey(msgspec.Struct):
    """A key in full, shown once."""

    id: UUID
    secret: str


@apikey_group.command(name="create")
@tenant_option
@role_option
@click.option("--name", default="command line", show_default=True)
@click.option("--read-only", is_flag=True, help="It may read and change nothing.")
@json_option
@command
async def create_key(tenant: str, role: str, name: str, read_only: bool, as_json: bool) -> None:
    """Print a new API key; it is shown this once."""
    if role not in RANK:
        raise Refusal(f"{role!r} is no role.")
    installation = Installation()
    who = await principal_of(installation, tenant)
    key_id = new_id()
    async with installation.connect(size=1) as database, database.transaction(who) as tx:
        secret = await keys.issue_key(
            tx, installation.credentials, id=key_id, name=name, scope=keys.Scope(role=role, read_only=read_only)
        )
    if as_json:
        show(NewKey(key_id, secret), as_json=True)
    else:
        click.echo(secret)


@apikey_group.command(name="list")
@tenant_option
@json_option
@command
async def list_keys(tenant: str, as_json: bool) -> None:
    """List a tenant's keys."""
    installation = Installation()
    who = await principal_of(installation, tenant)
    async with installation.connect(size=1) as database, database.transaction(who) as tx:
        show(await keys.list_keys(tx), as_json=as_json)


@apikey_group.command(name="revoke")
@tenant_option
@click.argument("key_id", type=click.UUID)
@command
async def revoke(tenant: str, key_id: UUID) -> None:
    """Revoke a key; it is refused from the next request on."""
    installation = Installation()
    who = await principal_of(installation, tenant)
    async with installation.connect(size=1) as database, database.transaction(who) as tx:
        await keys.revoke_key(tx, key_id)
    click.echo("The key is revoked.")
