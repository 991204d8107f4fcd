"""A forgotten password, and links by mail, under attack: asked for by strangers, opened by scanners, stolen, braked."""

import asyncio
import re
from typing import Any

import httpx
import pyotp
import pytest
from tests.identity.mailed.office import NEW, OLD, Office, fill, is_in, path_in, text_of
from tests.walls.calls import inside

from stockade.identity.factors import totp
from stockade.identity.factors.policy import Policy, save_policy
from stockade.kernel.ids import new_id
from stockade.mail.sending import MOST_AN_HOUR
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.principal import Principal

FORGOT = "/sign-in/forgot"


async def asked(browser: httpx.AsyncClient, email: str, wanted: str = "reset") -> httpx.Response:
    """Ask for a letter and see what is said."""
    answer = await fill(browser, FORGOT, email=email, wanted=wanted)
    return await browser.get(answer.headers["location"]) if answer.status_code == 303 else answer


def told(page: httpx.Response) -> str:
    """A page without what differs from request to request."""
    return re.sub(r'(nonce|value|content)="[^"]*"', "", page.text)


async def test_from_a_forgotten_password_to_a_new_one_and_the_sessions_end(office: Office) -> None:
    person = await office.person()
    async with office.browser() as elsewhere, office.browser() as browser:
        assert is_in(await fill(elsewhere, "/sign-in", email=person.email, password=OLD))
        assert (await elsewhere.get("/orders")).status_code == 200
        await asked(browser, person.email)
        (letter,) = [it for it in await office.letters_to(person.email) if it["Subject"] == "Set a new password"]
        short = await fill(browser, path_in(letter), password="short")
        assert short.status_code == 422
        answer = await fill(browser, path_in(letter), password=NEW)
        assert is_in(answer)
        assert (await browser.get("/orders")).status_code == 200
        assert (await elsewhere.get("/orders")).status_code == 303
        assert (await browser.get(path_in(letter))).text.count("does not work any more")
    subjects = [it["Subject"] for it in await office.letters_to(person.email)]
    assert "A new password was set for your account" in subjects
    async with office.browser() as browser:
        assert not is_in(await fill(browser, "/sign-in", email=person.email, password=OLD))
        assert is_in(await fill(browser, "/sign-in", email=person.email, password=NEW))


async def test_a_link_works_in_the_browser_that_asked_and_in_no_other(office: Office) -> None:
    person = await office.person()
    async with office.browser() as browser, office.browser() as thief, office.browser() as other:
        await asked(browser, person.email)
        await asked(other, "somebody.else@example.com")  # a browser that asked for something itself
        (letter,) = await office.letters_to(person.email)
        for stranger in (thief, other):
            page = await stranger.get(path_in(letter))
            assert "in the browser in which you asked" in page.text
            token = path_in(letter).partition("token=")[2]
            csrf = re.search(r'name="csrf_token" value="([^"]+)"', (await stranger.get("/sign-in")).text)
            assert csrf
            fields = {"csrf_token": csrf[1], "token": token, "password": NEW}
            refused = await stranger.post("/sign-in/reset", data=fields)
            assert refused.status_code == 403
            assert not is_in(refused)
        assert is_in(await fill(browser, path_in(letter), password=NEW))


async def test_a_sign_in_link_is_bound_to_its_browser_and_works_once(office: Office) -> None:
    person = await office.person(password=None)
    async with office.browser() as browser, office.browser() as thief:
        await asked(browser, person.email, "sign_in")
        (letter,) = await office.letters_to(person.email)
        assert letter["Subject"] == "Your sign-in link"
        token = path_in(letter).partition("token=")[2]
        assert "in the browser in which you asked" in (await thief.get(path_in(letter))).text
        assert not is_in(await fill(thief, "/sign-in", "/sign-in/once", token=token))
        assert is_in(await fill(browser, path_in(letter)))
        assert not is_in(await fill(browser, path_in(letter)))


async def test_a_reset_link_signs_nobody_in_and_a_sign_in_link_sets_no_password(office: Office) -> None:
    person = await office.person()
    async with office.browser() as browser:
        await asked(browser, person.email)
        await asked(browser, person.email, "sign_in")
        letters = {it["Subject"]: path_in(it).partition("token=")[2] for it in await office.letters_to(person.email)}
        refused = await fill(browser, "/sign-in", "/sign-in/once", token=letters["Set a new password"])
        assert not is_in(refused)
        wrong = await fill(browser, "/sign-in", "/sign-in/reset", token=letters["Your sign-in link"], password=NEW)
        assert wrong.status_code == 401
        assert not is_in(wrong)
        assert is_in(await fill(browser, f"/sign-in/once?token={letters['Your sign-in link']}"))


async def test_nobody_learns_whether_there_is_an_account(office: Office) -> None:
    person = await office.person()
    async with office.browser() as browser, office.browser() as other:
        known, unknown = await asked(browser, person.email), await asked(other, f"{new_id().hex}@example.com")
        assert told(known) == told(unknown)
        assert known.status_code == unknown.status_code == 200
        many = [f"{new_id().hex}@example.com", person.email]
        statuses = [
            [(await fill(each, FORGOT, email=email)).status_code for _ in range(8)]
            for each, email in zip((other, browser), many, strict=True)
        ]
        assert statuses[0][-1] == statuses[1][-1] == 429
    waiting = await office.superuser.fetchval("select count(*) from identity.letter_request")
    assert waiting > 2
    await office.work()
    assert {letter["To"] for letter in office.post.letters} == {person.email}


async def test_asking_takes_the_same_statements_with_and_without_an_account(office: Office) -> None:
    person = await office.person()
    counts = []
    for email in (person.email, f"{new_id().hex}@example.com"):
        seen = await _rows_written(office)
        async with office.browser() as browser:
            await asked(browser, email)
        counts.append([after - before for before, after in zip(seen, await _rows_written(office), strict=True)])
    assert counts[0] == counts[1] == [1, 1, 0]


async def _rows_written(office: Office) -> list[int]:
    """Requests, jobs and letters."""
    sql = ("identity.letter_request", "jobs.pgqueuer", "mail.message")
    return [await office.superuser.fetchval(f"select count(*) from {table}") for table in sql]


async def test_a_flood_of_requests_is_few_letters(office: Office) -> None:
    person = await office.person()
    visits = [office.browser() for _ in range(30)]
    for browser in visits:  # each a browser of its own; the brake is in the database
        await fill(browser, FORGOT, email=person.email)
        await browser.aclose()
    assert len(await office.letters_to(person.email)) <= 8


async def test_a_second_factor_is_still_wanted_after_a_reset(office: Office) -> None:
    person = await office.person()
    who = Principal(tenant_id=office.tenant.id, actor_id=person.account_id, kind=ActorKind.USER, role="owner")
    sealer = inside(office.site).state.sealer
    async with office.site.database.transaction(who) as tx:
        begun = await totp.begin(tx, sealer)
        app = pyotp.parse_uri(begun.address)
        assert isinstance(app, pyotp.TOTP)
        await totp.confirm(tx, sealer, app.now())
    async with office.browser() as browser:
        await asked(browser, person.email)
        letter = next(it for it in await office.letters_to(person.email) if it["Subject"] == "Set a new password")
        answer = await fill(browser, path_in(letter), password=NEW)
    assert answer.headers["location"] == "/sign-in/factor"
    assert not is_in(answer)


async def test_where_passwords_are_not_used_a_letter_signs_in_and_sets_none(office: Office) -> None:
    person = await office.person(password=None)
    async with office.site.database.transaction(office.tenant.principal) as tx:
        await save_policy(tx, Policy(passwords_allowed=False))
    async with office.browser() as browser:
        await asked(browser, person.email)
        (letter,) = await office.letters_to(person.email)
        assert "without passwords" in text_of(letter)
        assert path_in(letter).startswith("/sign-in/once")
        assert is_in(await fill(browser, path_in(letter)))


async def test_a_reset_asked_for_before_passwords_were_forbidden_is_refused_and_not_spent(office: Office) -> None:
    person = await office.person()
    async with office.browser() as browser:
        await asked(browser, person.email)
        (letter,) = await office.letters_to(person.email)
        async with office.site.database.transaction(office.tenant.principal) as tx:
            await save_policy(tx, Policy(passwords_allowed=False))
        refused = await fill(browser, path_in(letter), password=NEW)
        assert refused.status_code == 403
        assert not is_in(refused)


@pytest.mark.parametrize("wanted", ["reset", "sign_in"])
async def test_a_mailed_link_is_no_way_around_an_enforced_sign_on(office: Office, wanted: str) -> None:
    person = await office.person()
    domain = f"d{new_id().hex}.example"
    await office.superuser.execute(
        "update identity.account set email = $1 where id = $2", f"ada@{domain}", person.account_id
    )
    connection = new_id()
    async with office.site.database.transaction(office.tenant.principal) as tx:
        await tx.execute(
            "insert into identity.connection (tenant_id, id, kind, name, state, settings, enforced) "
            "values ($1, $2, 'oidc', 'Sign-on', 'active', '{}', true)", tx.tenant_id, connection,
        )  # fmt: skip
        await tx.execute(
            "insert into identity.domain (tenant_id, id, domain, connection_id, token, verified_at) "
            "values ($1, $2, $3, $4, 'token', now())", tx.tenant_id, new_id(), domain, connection,
        )  # fmt: skip
    async with office.browser() as browser:
        await asked(browser, f"ada@{domain}", wanted)
    (letter,) = await office.letters_to(f"ada@{domain}")
    assert path_in(letter) == f"/sign-in/sso/{connection}"
    assert await office.superuser.fetchval(
        "select count(*) from identity.one_time_link where account_id = $1", person.account_id
    ) == 0  # fmt: skip


async def test_an_expired_link_does_nothing(office: Office) -> None:
    person = await office.person()
    async with office.browser() as browser:
        await asked(browser, person.email)
        (letter,) = await office.letters_to(person.email)
        ends = await office.superuser.fetchval(
            "select expires_at - now() from identity.one_time_link where account_id = $1", person.account_id
        )
        assert ends.total_seconds() <= 900
        await office.superuser.execute(
            "update identity.one_time_link set expires_at = now() where account_id = $1", person.account_id
        )
        token = path_in(letter).partition("token=")[2]
        assert (await fill(browser, "/sign-in", "/sign-in/reset", token=token, password=NEW)).status_code == 401


async def test_of_two_that_bring_a_link_at_the_same_time_one_sets_the_password(office: Office) -> None:
    person = await office.person()
    async with office.browser() as browser:
        await asked(browser, person.email)
        (letter,) = await office.letters_to(person.email)
        answers = await asyncio.gather(*(fill(browser, path_in(letter), password=f"{NEW} {it}") for it in range(3)))
    assert [it.status_code for it in answers].count(303) == 1


async def test_the_letter_speaks_the_language_of_the_browser(office: Office) -> None:
    person = await office.person()
    async with office.browser(**{"Accept-Language": "pl"}) as browser:
        await asked(browser, person.email)
    (letter,) = await office.letters_to(person.email)
    html: Any = letter.get_body(("html",))
    assert '<html lang="pl">' in html.get_content()


async def test_the_api_asks_and_sets_by_the_same_verbs(office: Office) -> None:
    person = await office.person()
    async with office.browser(Accept="application/json") as client, office.browser() as browser:
        answer = await client.post("/api/v1/sign-in/letters", json={"email": person.email})
        assert answer.status_code == 200, answer.text
        nobody = await browser.post("/api/v1/sign-in/letters", json={"email": f"{new_id().hex}@example.com"})
        assert answer.json() == nobody.json()
        (letter,) = await office.letters_to(person.email)
        given = {"token": path_in(letter).partition("token=")[2], "password": NEW}
        stolen = await browser.post("/api/v1/sign-in/password", json=given)
        assert (stolen.status_code, stolen.json()["type"]) == (403, "/problems/identity/other-browser")
        assert (await client.post("/api/v1/sign-in/password", json=given)).status_code == 200
        again = await client.post("/api/v1/sign-in/password", json=given)
        assert again.status_code == 401
    async with office.browser() as browser:
        assert is_in(await fill(browser, "/sign-in", email=person.email, password=NEW))


async def test_where_the_letters_of_the_hour_are_spent_nothing_is_told_either(office: Office) -> None:
    person = await office.person()
    await office.superuser.execute("set session_replication_role = replica")
    await office.superuser.execute(
        "insert into mail.message (tenant_id, id, to_address, sender_name, subject, text, html, state) "
        "select $1, gen_random_uuid(), 'a@example.com', 'S', 'S', 'T', 'H', 'sent' from generate_series(1, $2::int)",
        office.tenant.id, MOST_AN_HOUR,
    )  # fmt: skip
    await office.superuser.execute("reset session_replication_role")
    async with office.browser() as browser, office.browser() as other:
        assert told(await asked(browser, person.email)) == told(await asked(other, f"{new_id().hex}@example.com"))
    assert await office.letters_to(person.email) == []
