"""Commands about tenants."""

import click
import msgspec

from stockade.apps.cli.frame import command, json_option, show
from stockade.apps.first_day import make_owner, open_tenant
from stockade.apps.installation import Installation
from stockade.database.roles import Role
from stockade.tenancy.tenants import list_tenants


@click.group(name="tenant")
def tenant_group() -> None:
    """Tenants: the distributors on this platform."""


class Made(msgspec.Struct):
    """A tenant that was just made, and its owner's way in."""

    tenant: str
    owner: str
    sign_in_link: str


@tenant_group.command(name="create")
@click.argument("slug")
@click.option("--name", required=True, help="The distributor's legal name.")
@click.option("--owner", required=True, metavar="EMAIL", help="Who owns it; gets a one-time sign-in link.")
@click.option("--country", default="GB", show_default=True, help="ISO 3166 code.")
@click.option("--currency", default="GBP", show_default=True, help="ISO 4217 code.")
@json_option
@command
async def create_command(slug: str, name: str, owner: str, country: str, currency: str, as_json: bool) -> None:
    """Make a tenant with its company, VAT rates, a warehouse and an owner."""
    installation = Installation()
    async with installation.connect(Role.PLATFORM, size=1) as platform, installation.connect(size=2) as database:
        tenant_id = await open_tenant(platform, database, slug=slug, name=name, country=country, currency=currency)
        link = await make_owner(database, tenant_id, email=owner, origin=installation.settings.origin)
    show(Made(slug, owner, link), as_json=as_json)


@tenant_group.command(name="list")
@json_option
@command
async def list_command(as_json: bool) -> None:
    """List every tenant."""
    async with Installation().connect(Role.PLATFORM, size=1) as platform:
        show(await list_tenants(platform), as_json=as_json)


@click.command(name="demo")
@click.option("--orders", type=click.IntRange(10, 20_000), default=3_000, show_default=True, help="Orders per tenant.")
@command
async def demo_command(orders: int) -> None:
    """Make the two demo tenants if they are not there yet."""
    from stockade.apps.demo import make_demo

    installation = Installation()
    async with installation.connect(Role.PLATFORM, size=1) as platform, installation.connect(size=4) as database:
        made = await make_demo(platform, database, orders=orders)
    click.echo(f"Made: {', '.join(made)}." if made else "The demo tenants are there already.")
