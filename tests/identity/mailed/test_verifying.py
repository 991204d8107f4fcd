"""Nobody gets in before their address is proved, and what proves it (claim B8), with letters at a real SMTP server."""

from typing import Any

import pyotp
import pytest
from tests.identity.mailed.office import OLD, Office, Person, fill, is_in, path_in, text_of
from tests.running import ORIGIN
from tests.walls.calls import inside

from stockade.access import inviting
from stockade.access.inviting import Post as Mails
from stockade.identity.factors import totp
from stockade.identity.scim.resources import User
from stockade.identity.scim.users import make_user
from stockade.identity.service.members import Place, add_member
from stockade.identity.service.sign_in import Visitor, issue_link
from stockade.identity.signing_in import flow
from stockade.identity.signing_in.flow import FactorRefused, Known, NotVerified, Unverified
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal


async def voucher(office: Office, person: Person) -> str | None:
    """Who said that a person's address is theirs."""
    found: str | None = await office.superuser.fetchval(
        "select verified_by from identity.account where id = $1", person.account_id
    )
    return found


def door(office: Office) -> flow.Door:
    state = inside(office.site).state
    return flow.Door(office.site.database, state.credentials, state.sealer, state.party)


async def test_the_right_password_of_an_unproved_address_gives_a_letter_and_no_session(office: Office) -> None:
    person = await office.person(verified=False)
    async with office.browser() as browser:
        answer = await fill(browser, "/sign-in", email=person.email, password=OLD)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in/verify"
        assert not is_in(answer)
        (letter,) = await office.letters_to(person.email)
        assert letter["Subject"] == "Confirm your e-mail address"
        assert await voucher(office, person) is None
        assert is_in(await fill(browser, path_in(letter)))
    assert await voucher(office, person) == "mail"
    async with office.browser() as browser:
        assert is_in(await fill(browser, "/sign-in", email=person.email, password=OLD))


async def test_a_letter_that_a_scanner_opens_proves_nothing_and_stays_good(office: Office) -> None:
    person = await office.person(verified=False)
    async with office.browser() as browser:
        await fill(browser, "/sign-in", email=person.email, password=OLD)
    (letter,) = await office.letters_to(person.email)
    async with office.browser() as scanner:
        for _ in range(3):
            assert (await scanner.get(path_in(letter))).status_code == 200
            assert (await scanner.head(path_in(letter))).status_code in (200, 405)
    assert await voucher(office, person) is None
    async with office.browser() as browser:
        assert is_in(await fill(browser, path_in(letter)))
        assert not is_in(await fill(browser, path_in(letter)))


async def test_the_link_that_an_administrator_sees_proves_nothing_where_letters_are_sent(office: Office) -> None:
    person = await office.person(verified=False, password=None)
    async with office.site.database.transaction(office.somebody()) as tx:
        secret = await issue_link(tx, person.account_id)
    async with office.browser() as browser:
        answer = await fill(browser, f"/sign-in/once?token={secret}")
    assert answer.headers["location"] == "/sign-in/verify"
    assert not is_in(answer)
    assert await voucher(office, person) is None


async def test_an_invitation_goes_to_the_invited_and_its_link_proves_the_address(office: Office) -> None:
    email = f"{new_id().hex}@example.com"
    async with office.site.database.transaction(office.somebody()) as tx:
        shown = await inviting.invite(
            tx, new_id(), email=email, name="Ada", place=Place(role="viewer"), post=Mails(ORIGIN, "en")
        )
    (letter,) = await office.letters_to(email)
    assert shown not in text_of(letter)
    html: Any = letter.get_body(("html",))
    assert f'href="{ORIGIN}{path_in(letter)}"' in html.get_content()
    async with office.browser() as browser:
        assert is_in(await fill(browser, path_in(letter)))
    row = await office.superuser.fetchval("select verified_by from identity.account where email = $1", email)
    assert row == "mail"


async def test_without_a_relay_the_administrators_link_counts_and_is_recorded_as_that(silent: Office) -> None:
    email = f"{new_id().hex}@example.com"
    async with silent.site.database.transaction(silent.somebody()) as tx:
        shown = await inviting.invite(tx, new_id(), email=email, name="Ada", place=Place(role="viewer"), post=None)
    async with silent.browser() as browser:
        assert is_in(await fill(browser, f"/sign-in/once?token={shown}"))
        page = await browser.get("/sign-in/forgot")
        assert "sends no mail" in page.text
    row = await silent.superuser.fetchval("select verified_by from identity.account where email = $1", email)
    assert row == "administrator"


async def test_a_link_that_was_mailed_to_a_former_address_does_not_prove_the_new_one(office: Office) -> None:
    person = await office.person(verified=False)
    async with office.site.database.transaction(office.somebody()) as tx:
        secret = await issue_link(tx, person.account_id, vouched_by="mail")
    await office.superuser.execute(
        "update identity.account set email = $1 where id = $2", f"{new_id().hex}@example.com", person.account_id
    )
    async with office.browser() as browser:
        assert not is_in(await fill(browser, f"/sign-in/once?token={secret}"))
    assert await voucher(office, person) is None


async def test_a_sign_in_that_waits_for_its_letter_does_not_go_on_with_a_code_instead(office: Office) -> None:
    person = await office.person()
    who = Principal(tenant_id=office.tenant.id, actor_id=person.account_id, kind=ActorKind.USER, role="owner")
    async with office.site.database.transaction(who) as tx:
        begun = await totp.begin(tx, door(office).sealer)
        app = pyotp.parse_uri(begun.address)
        assert isinstance(app, pyotp.TOTP)
        await totp.confirm(tx, door(office).sealer, app.now())
    await office.superuser.execute(
        "update identity.account set email_verified_at = null, verified_by = null where id = $1", person.account_id
    )
    await office.superuser.execute("update identity.totp set last_step = 0 where account_id = $1", person.account_id)
    visitor = Visitor("192.0.2.1", "tests", new_id())
    waiting = await flow.with_password(door(office), visitor, email=person.email, password=OLD)
    assert isinstance(waiting, Unverified)
    with pytest.raises(FactorRefused):
        await flow.with_factor(door(office), visitor, token=waiting.token, code=app.now())


async def test_a_sign_on_that_vouched_for_nobody_lets_nobody_in(office: Office) -> None:
    person = await office.person(verified=False)
    visitor = Visitor("192.0.2.1", "tests", new_id())
    with pytest.raises(NotVerified):
        await flow.with_sign_on(door(office), visitor, Known(person.account_id, office.tenant.id))


async def test_who_vouches_is_recorded(office: Office) -> None:
    assert await voucher(office, await office.person()) == "operator"
    assert await voucher(office, await office.person(verified=False)) is None
    email = f"{new_id().hex}@example.com"
    async with office.site.database.transaction(office.tenant.principal) as tx:
        account_id = await add_member(
            tx, id=new_id(), email=email, name="Ada", place=Place(role="viewer"), vouched_by="provider"
        )
    assert await voucher(office, Person(account_id, email)) == "provider"


async def test_no_company_vouches_for_an_account_that_is_not_its_members(office: Office, make_tenant: Any) -> None:
    person, other = await office.person(verified=False), await make_tenant()
    async with office.site.database.transaction(other.principal) as tx:
        await tx.execute("select identity.vouch($1, 'operator')", person.account_id)
    assert await voucher(office, person) is None


async def test_the_letter_is_sent_again_within_a_brake(office: Office) -> None:
    person = await office.person(verified=False)
    async with office.browser() as browser:
        await fill(browser, "/sign-in", email=person.email, password=OLD)
        answers = [(await fill(browser, "/sign-in/verify")).status_code for _ in range(6)]
        assert answers[0] == 303
        assert answers[-1] == 429
    letters = await office.letters_to(person.email)
    assert 2 <= len(letters) <= 5


@pytest.mark.parametrize("proved", [True, False])
async def test_a_directory_vouches_for_the_domains_that_its_organisation_has_proved(
    office: Office, proved: bool
) -> None:
    domain, connection = f"d{new_id().hex}.example", new_id()
    program = Principal(tenant_id=office.tenant.id, actor_id=new_id(), kind=ActorKind.API_KEY, role="owner")
    async with office.site.database.transaction(office.tenant.principal) as tx:
        await tx.execute(
            "insert into identity.connection (tenant_id, id, kind, name, state, settings, enforced) "
            "values ($1, $2, 'oidc', 'Sign-on', 'active', '{}', false)", tx.tenant_id, connection,
        )  # fmt: skip
        await tx.execute(
            "insert into identity.domain (tenant_id, id, domain, connection_id, token, verified_at) "
            "values ($1, $2, $3, $4, 'token', case when $5 then now() end)",
            tx.tenant_id, new_id(), domain, connection, proved,
        )  # fmt: skip
    async with office.site.database.transaction(program) as tx:
        row = await make_user(tx, User(user_name=f"ada@{domain}"))
    assert await voucher(office, Person(row.account_id, row.email)) == ("provider" if proved else None)
