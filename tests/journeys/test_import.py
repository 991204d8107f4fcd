"""An import with rejects, by keyboard alone: upload, columns, check, run, download what was rejected, mend, run again.

The worker is the real one. Whatever a page writes to the console, and every violation of its policy, fails the journey.
"""

import contextlib
import csv
import io
import re
from pathlib import Path
from typing import Any

from playwright.async_api import TimeoutError as TooLate
from tests.journeys.looking import examined, seen
from tests.journeys.serving import Serving
from tests.journeys.visiting import Visit, visit

FILE = "\r\n".join([
    "Indeks;Nazwa towaru;Cena netto;Stawka VAT;JM",
    *(f"ZZ-{number:03};Żółty kubek {number};{number},50;standard;szt" for number in range(1, 41)),
    "ZZ-041;Bez ceny;;standard;szt",
    "ZŁY KOD;Zły kod;1,00;standard;szt",
    "ZZ-001;Drugi raz;2,00;standard;szt",
])  # fmt: skip
WAIT_MS = 40_000
TRIES = 4
A_TRY_MS = 5_000


async def arrive(person: Visit, link: str) -> None:
    await person.page.goto(link)
    await person.page.get_by_role("button", name="Sign in").click()
    await person.page.wait_for_url(lambda address: "sign-in" not in address)


async def press_on(person: Visit, role: str, name: str | re.Pattern[str]) -> None:
    """Go on with Tab until something has the focus, and press Enter."""
    wanted = person.page.get_by_role(role, name=name).first
    await wanted.wait_for(timeout=WAIT_MS)
    for _ in range(120):
        if await wanted.evaluate("element => element === document.activeElement"):
            await person.page.keyboard.press("Enter")
            return
        await person.page.keyboard.press("Tab")
    raise AssertionError(f"{name} is out of the keyboard's reach.")


async def upload(person: Visit, path: Path) -> None:
    """Upload a file from the form, without the mouse."""
    await person.see("/imports/new?target=products")
    field = person.page.get_by_label("File", exact=False).and_(person.page.locator("input[type=file]"))
    await (await chooser(person, field)).set_files(path)
    await press_on(person, "button", "Upload")
    await person.page.get_by_role("heading", name="Which column is what").wait_for(timeout=WAIT_MS)


async def chooser(person: Visit, field: Any) -> Any:
    """Open the file chooser of a field by its key; a key that comes during layout is dropped."""
    for _ in range(TRIES):
        await field.focus()
        with contextlib.suppress(TooLate):
            async with person.page.expect_file_chooser(timeout=A_TRY_MS) as choosing:
                await person.page.keyboard.press("Space")
            return await choosing.value
    raise AssertionError("The key never opens the chooser.")


async def figures(person: Visit) -> dict[str, str]:
    """What became of the lines, as the tiles say."""
    tiles = await person.page.locator(".import-counts .stat").all_inner_texts()
    return {tile.split("\n")[0]: tile.split("\n")[1] for tile in tiles}


async def test_a_file_with_rejects_is_imported_mended_and_imported_again(
    browser: Any, serving: Serving, link: str, tmp_path: Path
) -> None:
    person = await visit(browser, serving, accept_downloads=True)
    await arrive(person, link)
    path = tmp_path / "kubki.csv"
    path.write_bytes(FILE.encode("cp1250"))
    await upload(person, path)
    assert "Windows, Central European (1250) · Semicolon" in await person.page.locator("#import").inner_text()
    await person.picture("import-columns")
    await press_on(person, "button", "Check all 43 lines")
    await press_on(person, "button", "Import 40 lines")
    await person.page.get_by_role("link", name="Import another file").wait_for(timeout=WAIT_MS)
    assert await figures(person) == {"Created": "40", "Updated": "0", "Unchanged": "0", "Rejected": "3"}
    await person.picture("import-finished")
    async with person.page.expect_download() as downloading:
        await press_on(person, "link", "Download what is rejected")
    rejects = tmp_path / "rejects.csv"
    await (await downloading.value).save_as(rejects)
    rows = list(csv.reader(io.StringIO(rejects.read_text("utf-8-sig"), newline=""), delimiter=";"))
    assert [row[0] for row in rows] == ["Indeks", "ZZ-041", "ZŁY KOD", "ZZ-001"]
    assert rows[0][-1] == "Reason"
    assert all(row[-1] for row in rows[1:])
    rows[1][2], rows[2][0], rows[3][0] = "9,99", "ZZ-042", "ZZ-043"
    mended = tmp_path / "mended.csv"
    mended.write_text("\n".join(";".join(row) for row in rows), "utf-8")
    await upload(person, mended)
    await press_on(person, "button", "Check all 3 lines")
    await press_on(person, "button", "Import 3 lines")
    await person.page.get_by_role("link", name="Import another file").wait_for(timeout=WAIT_MS)
    assert await figures(person) == {"Created": "3", "Updated": "0", "Unchanged": "0", "Rejected": "0"}
    assert person.complaints == []
    await person.leave()


async def test_the_pages_of_imports_and_the_dashboard_are_accessible(
    browser: Any, serving: Serving, link: str, tmp_path: Path
) -> None:
    person = await visit(browser, serving, bypass_csp=True)
    await arrive(person, link)
    found = await seen(person, "/dashboard?by=day")
    path = tmp_path / "plik.csv"
    path.write_bytes(FILE.encode("cp1250"))
    await upload(person, path)
    found += await examined(person, "import-columns")
    await press_on(person, "button", "Check all 43 lines")
    await person.page.get_by_role("heading", name="Account of every line").wait_for(timeout=WAIT_MS)
    found += await examined(person, "import-checked")
    await person.leave()
    assert found == []
