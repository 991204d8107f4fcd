"""Changing one's address: it counts once its letter is followed, and the former one is told and can undo it."""

import re

import httpx
import pyotp
import pytest
from tests.identity.mailed.office import OLD, Office, Person, fill, is_in, path_in, text_of
from tests.walls.calls import inside

from stockade.identity.factors import totp
from stockade.kernel.ids import new_id
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal


async def signed_in(office: Office, person: Person, browser: httpx.AsyncClient) -> None:
    assert is_in(await fill(browser, "/sign-in", email=person.email, password=OLD))


async def address_of(office: Office, person: Person) -> str:
    return str(await office.superuser.fetchval("select email from identity.account where id = $1", person.account_id))


async def changed(office: Office, person: Person, browser: httpx.AsyncClient) -> str:
    """Change an address as its person does; return the new one."""
    fresh = f"{new_id().hex}@example.org"
    answer = await fill(browser, "/security", "/security/email", email=fresh)
    assert answer.headers["location"] == "/security?done=letter", answer.text
    assert await address_of(office, person) == person.email
    (letter,) = await office.letters_to(fresh)
    confirmed = await fill(browser, path_in(letter))
    assert confirmed.headers["location"] == "/security?done=address", confirmed.text
    return fresh


async def test_the_new_address_counts_once_its_letter_is_followed_and_the_former_one_is_told(office: Office) -> None:
    person = await office.person()
    async with office.browser() as browser, office.browser() as elsewhere:
        await signed_in(office, person, browser)
        await signed_in(office, person, elsewhere)
        fresh = await changed(office, person, browser)
        assert (await browser.get("/security")).text.count(fresh) == 1
        assert (await elsewhere.get("/security")).status_code == 303
    assert await address_of(office, person) == fresh
    letter = (await office.letters_to(person.email))[-1]
    assert letter["Subject"] == "The e-mail address of your account was changed"
    assert fresh in text_of(letter)


async def test_the_former_address_undoes_it_and_ends_everything(office: Office) -> None:
    person = await office.person()
    async with office.browser() as thief, office.browser() as browser:
        await signed_in(office, person, thief)
        fresh = await changed(office, person, thief)
        undo = path_in((await office.letters_to(person.email))[-1])
        assert (await browser.get(undo)).status_code == 200
        assert await address_of(office, person) == fresh, "opening the link must change nothing"
        undone = await fill(browser, undo)
        assert undone.status_code == 200
        assert person.email in undone.text
        assert await address_of(office, person) == person.email
        assert (await thief.get("/security")).status_code == 303
        assert "does not work any more" in (await browser.get(undo)).text
    async with office.browser() as thief:
        assert not is_in(await fill(thief, "/sign-in", email=person.email, password=OLD)), "the thief's password"
    row = await office.superuser.fetch(
        "select change from identity.factor_change where account_id = $1 order by at", person.account_id
    )
    assert [it[0] for it in row] == ["email_changed", "email_restored"]


async def test_a_stranger_to_whom_the_letter_went_by_a_slip_cannot_follow_it(office: Office) -> None:
    person, stranger = await office.person(), await office.person()
    fresh = f"{new_id().hex}@example.org"
    async with office.browser() as browser, office.browser() as other:
        await signed_in(office, person, browser)
        await signed_in(office, stranger, other)
        await fill(browser, "/security", "/security/email", email=fresh)
        (letter,) = await office.letters_to(fresh)
        assert "does not work any more" in (await other.get(path_in(letter))).text
        token = path_in(letter).partition("token=")[2]
        refused = await fill(other, "/security", "/security/email/confirm", token=token)
        assert refused.status_code == 401
    assert await address_of(office, person) == person.email
    assert await address_of(office, stranger) == stranger.email


async def test_asking_for_an_address_that_somebody_has_is_answered_like_any_other(office: Office) -> None:
    person, other = await office.person(), await office.person()
    async with office.browser() as browser:
        await signed_in(office, person, browser)
        answer = await fill(browser, "/security", "/security/email", email=other.email)
        assert answer.headers["location"] == "/security?done=letter"
        letter = (await office.letters_to(other.email))[-1]
        taken = await fill(browser, path_in(letter))
        assert taken.status_code == 409
    assert await address_of(office, person) == person.email


async def test_it_wants_a_recent_proof_of_whoever_has_a_second_factor(office: Office) -> None:
    person = await office.person()
    who = Principal(tenant_id=office.tenant.id, actor_id=person.account_id, kind=ActorKind.USER, role="owner")
    sealer = inside(office.site).state.sealer
    async with office.browser() as browser:
        await signed_in(office, person, browser)
        async with office.site.database.transaction(who) as tx:
            begun = await totp.begin(tx, sealer)
            app = pyotp.parse_uri(begun.address)
            assert isinstance(app, pyotp.TOTP)
            await totp.confirm(tx, sealer, app.now())
        await office.superuser.execute("set session_replication_role = replica")
        await office.superuser.execute("update identity.session set confirmed_at = now() - interval '11 minutes'")
        await office.superuser.execute("reset session_replication_role")
        answer = await fill(browser, "/security", "/security/email", email="new@example.org")
    assert answer.headers["location"].startswith("/security/prove")


async def test_a_mailed_link_to_the_former_address_ends_with_the_change(office: Office) -> None:
    person = await office.person()
    async with office.browser() as browser, office.browser() as asking:
        await signed_in(office, person, browser)
        await fill(asking, "/sign-in/forgot", email=person.email)
        letter = next(it for it in await office.letters_to(person.email) if it["Subject"] == "Set a new password")
        await changed(office, person, browser)
        assert "does not work any more" in (await asking.get(path_in(letter))).text


@pytest.mark.parametrize("wrong", ["nobody", "a b@example.org", "a@example.org\nbcc:b@example.org"])
async def test_what_is_no_address_is_refused(office: Office, wrong: str) -> None:
    person = await office.person()
    async with office.browser() as browser:
        await signed_in(office, person, browser)
        page = await browser.get("/security")
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert csrf
        answer = await browser.post("/security/email", data={"csrf_token": csrf[1], "email": wrong})
        assert answer.status_code == 422
    assert await address_of(office, person) == person.email
