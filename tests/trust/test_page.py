"""The page: its context, as the template asks for it, and its agreement with the signed document."""

import json
import re
from typing import Any

import pytest
from tests.trust.samples import SIGNER, ToyInstallation, fails, holds, only, toy

from stockade.apps.show import TEMPLATE_FOLDERS
from stockade.kernel.control import CONTROLS as DECLARED
from stockade.trust import page
from stockade.trust.evidence import canonical, verifies
from stockade.trust.page import claims_json, page_context
from stockade.trust.runner import run_controls
from stockade.web.pages import Pages, StaticFiles

CONTROLS = (toy("toy.good", holds, "A1"), toy("toy.bad", fails, "A2", "B5"), toy("toy.other", holds, "A2"))


@pytest.fixture(autouse=True)
def _only_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("stockade.trust.runner", "stockade.trust.page"):
        monkeypatch.setattr(f"{module}.collect", lambda: DECLARED)


async def context_of(installation: ToyInstallation) -> dict[str, Any]:
    return await page_context(installation.application, SIGNER, origin="https://stockade.example")


def rendered(context: dict[str, Any]) -> str:
    static = StaticFiles([TEMPLATE_FOLDERS[0].parent / "static"])
    return Pages(TEMPLATE_FOLDERS, static).render("trust.html", nonce="n", csrf_token="", principal=None, **context)


async def test_the_page_renders_before_the_first_run_and_says_so(installation: ToyInstallation) -> None:
    with only(*CONTROLS):
        html = rendered(await context_of(installation))
    assert "The checks have not run yet" in html
    assert "No run has been signed yet" in html


async def test_the_page_renders_every_claim_with_its_state_after_a_run(installation: ToyInstallation) -> None:
    with only(*CONTROLS):
        await run_controls(installation)
        context = await context_of(installation)
    html = rendered(context)
    states = dict(re.findall(r'<li class="claim claim-(\w+)" id="claim-(\w+)">', html))
    assert context["counts"] == {"holds": 1, "fails": 2, "stale": 0, "absent": 105}
    assert len(re.findall(r'id="claim-\w+"', html)) == 108
    assert set(states) == {"holds", "fails", "absent"}
    assert "Not as promised now" in html


async def test_a_failing_claim_shows_what_failed_and_not_what_held_beside_it(installation: ToyInstallation) -> None:
    with only(*CONTROLS):
        await run_controls(installation)
        lines = {line["id"]: line for group in (await context_of(installation))["groups"] for line in group["claims"]}
    assert lines["A2"]["control"] == "toy.bad, toy.other"
    assert lines["A2"]["result"].startswith("broken")
    assert "no breach" not in lines["A2"]["result"]
    assert lines["A1"]["max_age_seconds"] == 300
    assert 0 <= lines["A1"]["age_seconds"] < 60


async def test_the_document_carries_what_the_page_shows_and_the_same_signature(installation: ToyInstallation) -> None:
    with only(*CONTROLS):
        await run_controls(installation)
        context = await context_of(installation)
        document = json.loads(await claims_json(installation.application, SIGNER))
    signature = document.pop("signature")
    assert context["signing"]["signature"] == signature
    assert verifies(SIGNER.public_key, bytes.fromhex(signature), canonical(document))
    shown = {line["id"]: line["state"] for group in context["groups"] for line in group["claims"]}
    assert {claim["id"]: claim["state"] for claim in document["claims"]} == shown
    assert {"id", "statement", "state", "checked_at", "control", "evidence_hash"} <= set(document["claims"][0])


async def test_a_busy_page_reads_the_database_once_in_some_seconds(
    installation: ToyInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = page.latest

    async def counting(*given: Any) -> Any:
        asked.append(1)
        return await real(*given)

    monkeypatch.setattr(page, "latest", counting)
    with only(*CONTROLS):
        for _ in range(5):
            await context_of(installation)
    assert len(asked) == 1
