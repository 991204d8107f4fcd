"""A program that holds tokens, as its person sees it on the page Security, and ends it there."""

import ssl
from urllib.parse import parse_qs, urlsplit

import httpx
from tests.journeys.keyboard import done
from tests.journeys.serving import Serving
from tests.journeys.visiting import sign_in, visit

NAME = "Warehouse scanner"
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}


async def test_a_program_stands_among_ones_sessions_and_is_ended_there(browser: object, serving: Serving) -> None:
    trusted = ssl.create_default_context(cafile=str(serving.home.path / "certificates" / "authority.crt"))
    async with httpx.AsyncClient(base_url=serving.home.origin, verify=trusted) as program:
        secret = parse_qs(urlsplit(serving.link()).query)["token"][0]
        answer = await program.post("/api/v1/tokens/link", json={"link": secret, "client": NAME})
        assert answer.status_code == 200, answer.text
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await program.get("/api/v1/me/sessions", headers=bearer)).status_code == 200
        person = await visit(browser, serving)
        await sign_in(person, serving.link())
        await person.see("/security")
        await person.picture("security-program")
        row = person.page.get_by_role("row", name=NAME)
        assert await row.get_by_text("Program", exact=True).count() == 1
        phone = await visit(browser, serving, storage_state=await person.context.storage_state(), **PHONE)
        await phone.see("/security")
        await phone.picture("security-program-phone-dark")
        await phone.leave()
        await row.get_by_role("button", name="End").press("Enter")
        await done(person.page, "ended")
        assert await person.page.get_by_role("row", name=NAME).count() == 0
        assert (await program.get("/api/v1/me/sessions", headers=bearer)).status_code == 401
        refused = await program.post("/api/v1/tokens/refresh", json={"refresh_token": answer.json()["refresh_token"]})
        assert refused.status_code == 401
        assert refused.json()["type"] == "/problems/identity/refresh-refused"
        await person.leave()
