"""Who stands before the walls: tenants with a row of everything, people with sessions, credentials that went bad."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from tests.conftest import TenantFixture
from tests.identity.factors.people import member_of
from tests.identity.saml.provider import Provider
from tests.running import Site
from tests.walls.calls import inside
from tests.walls.trading import Trader

from stockade.access.roles import NewRole, make_role
from stockade.commerce.desk.bulk import start_bulk
from stockade.commerce.desk.listing.views import NewView, save_view
from stockade.commerce.desk.notes import NewNote, write_note
from stockade.identity.service.keys import Scope, issue_key, revoke_key
from stockade.identity.service.members import Place, add_member
from stockade.identity.service.sign_in import Visitor, issue_link, open_session, redeem_link, sign_out
from stockade.identity.sso.connections import NewConnection, add_connection
from stockade.identity.sso.domains import add_domain
from stockade.identity.sso.issuers import NewIssuer, trust_issuer
from stockade.identity.suspicion.alerts import list_alerts
from stockade.identity.suspicion.noting import raise_alert
from stockade.kernel.clock import now
from stockade.kernel.ids import new_id
from stockade.platform.accesses import NewAccess, as_operator, request_access
from stockade.platform.operators import add_operator
from stockade.tenancy.transaction import Transaction


async def furnish(site: Site, tenant: TenantFixture) -> dict[str, UUID]:
    """Make one of everything in a tenant; return the ids by the names that parameters give them."""
    made = await Trader(site, await site.key(tenant)).furnish()
    made |= {"bulk_id": new_id(), "note_id": new_id(), "view_id": new_id(), "role_id": new_id()}
    made |= {name: new_id() for name in ("session_id", "token_id", "group_id")}
    made["access_id"] = await asked_by_an_operator(site, tenant)
    async with site.database.transaction(tenant.principal) as tx:
        await start_bulk(tx, made["bulk_id"], "confirm", [made["order_id"]])
        await write_note(tx, made["note_id"], made["order_id"], NewNote(text="Ask for Ada"))
        await save_view(tx, made["view_id"], "orders", NewView(name="Late", query="late=1", shared=True))
        await make_role(tx, made["role_id"], NewRole(name="Representative", permissions=["orders:read"]))
        made["alert_id"] = await raised(tx)
        made |= await with_sign_on(site, tx)
        made["entry_id"] = await tx.connection.fetchval(
            "select id from audit.entry where tenant_id = $1 and subject = 'orders.sales_order' limit 1", tenant.id
        )
    made["passkey_id"] = (await (await member_of(site.database, tenant)).enrol())[1].id
    return made


async def with_sign_on(site: Site, tx: Transaction) -> dict[str, UUID]:
    """Make a connection with a domain and somebody who is linked, and trust an issuer; return their ids."""
    made = {name: new_id() for name in ("connection_id", "domain_id", "linked_id", "issuer_id")}
    connection = NewConnection(kind="saml", name="Provider", settings=msgspec.to_builtins(Provider().connection()))
    await add_connection(tx, site.installation.sealer, made["connection_id"], connection)
    await add_domain(tx, made["domain_id"], domain="firm.invalid", connection_id=made["connection_id"])
    account_id = await add_member(
        tx, id=new_id(), email=f"{new_id().hex}@example.com", name="Linked", place=Place(role="viewer")
    )
    await tx.execute(
        "insert into identity.linked_identity (tenant_id, id, connection_id, subject, account_id) "
        "values ($1, $2, $3, 'subject', $4)", tx.tenant_id, made["linked_id"], made["connection_id"], account_id,
    )  # fmt: skip
    issuer = NewIssuer(name="Issuer", issuer="https://provider.invalid", audience=new_id().hex, role="viewer")
    await trust_issuer(tx, made["issuer_id"], issuer)
    return made


async def asked_by_an_operator(site: Site, tenant: TenantFixture) -> UUID:
    """Have an operator ask for access to a tenant; return the request's id."""
    platform = await inside(site).state.platform.opened()
    email = f"{new_id().hex}@platform.example"
    asker = await add_operator(platform, site.installation.sealer, email=email, name="Olga Operator")
    wanted = NewAccess(
        tenant_id=tenant.id, reason="A customer cannot print", ticket="T-7", scope=["orders"], minutes=30
    )
    async with platform.transaction(as_operator(tenant.id, asker.id)) as tx:
        return (await request_access(tx, asker.id, wanted)).id


async def raised(tx: Transaction) -> UUID:
    """Raise an alert about somebody; return its id."""
    somebody = new_id()
    await raise_alert(tx, "impossible_travel", actor_id=somebody, evidence={"from": "PL", "to": "JP"})
    return next(alert.id for alert in await list_alerts(tx) if alert.actor_id == somebody)


async def session_of(
    site: Site, tenant: TenantFixture, role: str, email: str | None = None, place: Place | None = None
) -> str:
    """Return the token of a fresh session of a fresh member."""
    async with site.database.transaction(tenant.principal) as tx:
        account_id = await add_member(
            tx, id=new_id(), email=email or f"{new_id().hex}@example.com", name=f"The {role}",
            place=place or Place(role=role),
        )  # fmt: skip
        secret = await issue_link(tx, account_id)
    visitor = Visitor("192.0.2.1", "tests", new_id())
    credentials = site.installation.credentials
    account_id, tenant_id = await redeem_link(site.database, credentials, visitor, secret=secret)
    opened = await open_session(site.database, credentials, visitor, tenant_id, account_id, method="link")
    return opened.token


async def revoked_key(site: Site, tenant: TenantFixture) -> str:
    """Return a key that was revoked before it was ever used."""
    key_id = new_id()
    async with site.database.transaction(tenant.principal) as tx:
        key = await _issue(site, tx, id=key_id)
        await revoke_key(tx, key_id)
    return key


async def expired_key(site: Site, tenant: TenantFixture) -> str:
    """Return a key whose time is over."""
    async with site.database.transaction(tenant.principal) as tx:
        return await _issue(site, tx, id=new_id(), expires_at=now() - timedelta(seconds=1))


async def ended_session(site: Site, tenant: TenantFixture) -> str:
    """Return the token of an owner's session that was ended."""
    token = await session_of(site, tenant, "owner")
    async with site.database.transaction(tenant.principal) as tx:
        await sign_out(tx, site.installation.credentials, token)
    return token


async def suspend(superuser: Any, tenant: TenantFixture) -> None:
    """Suspend a tenant. The trail refuses a change without a pin, a superuser's too; so triggers are off for it."""
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute("update tenancy.tenant set state = 'suspended' where id = $1", tenant.id)


async def _issue(site: Site, tx: Any, **given: Any) -> str:
    expires_at = given.pop("expires_at", None)
    scope = Scope(role="owner", expires_at=expires_at)
    return await issue_key(tx, site.installation.credentials, name="bad", scope=scope, **given)
