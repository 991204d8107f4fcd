"""The list of claims, and the controls that name them."""

import re
from pathlib import Path

import pytest
from tests.trust.samples import holds, toy

from stockade.kernel.control import CONTROLS
from stockade.kernel.problems import Refusal
from stockade.trust.claims import all_claims, all_groups, read_groups
from stockade.trust.collect import collect, control_modules, refuse_unknown_claims

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "design" / "claims.md"


def test_every_published_claim_is_in_the_list_and_no_other() -> None:
    if not PUBLISHED.exists():
        pytest.skip("the published list is not here")
    ids = set(re.findall(r"^\| ([A-Z]\d+) \|", PUBLISHED.read_text(), re.MULTILINE))
    assert set(all_claims()) == ids


def test_the_groups_come_in_the_order_of_the_page_with_x_last() -> None:
    assert "".join(group.letter for group in all_groups()) == "ABCDEFGHIJKLMX"


def test_every_claim_is_one_sentence() -> None:
    assert [claim.id for claim in all_claims().values() if not claim.statement.endswith(".")] == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[groups]\nA = "a"\n[claims]\nA1 = "One."\nA1 = "Two."', "cannot be read"),
        ('[groups]\nA = "a"\n[claims]\nA1 = "One."\nB1 = "Two."', "belongs to no group"),
        ('[groups]\nA = "a"\n[claims]\nA1 = "no sentence"', "needs a sentence"),
        ('[groups]\nA = "a"\nB = "b"\n[claims]\nA1 = "One."', "at least one claim"),
    ],
)
def test_a_list_in_disorder_refuses_to_load(text: str, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        read_groups(text)


def test_a_control_that_names_an_unknown_claim_refuses_to_load() -> None:
    with pytest.raises(Refusal, match="Z99"):
        refuse_unknown_claims({"toy": toy("toy", holds, "A1", "Z99")})


def test_every_slice_that_has_controls_is_found_without_being_listed() -> None:
    source = Path(__file__).parents[2] / "src"
    declaring = {
        path.parent if path.name == "__init__.py" or path.parent.name == "controls" else path.with_suffix("")
        for path in source.rglob("*.py")
        if re.search(r"^@control\(", path.read_text(), re.MULTILINE)
    }
    assert control_modules() == sorted(".".join(path.relative_to(source).parts) for path in declaring)


def test_collecting_declares_controls_for_the_claims_of_the_first_part() -> None:
    collect()
    proved = {claim for item in CONTROLS.values() for claim in item.claims}
    assert proved >= {"B5", "C1", "C5", "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D13", "X1"}
