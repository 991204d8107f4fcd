"""The controls of the wall and of the trail hold on an untouched installation, and say how much they looked at."""

import re

import pytest
from tests.attacks.conftest import Attacked

from stockade.kernel.control import CONTROLS

WALL = sorted(name for name in CONTROLS if name.startswith(("tenancy.", "audit.")))


@pytest.mark.parametrize("name", WALL)
async def test_the_control_holds_and_says_how_much_it_saw(installation: Attacked, name: str) -> None:
    found = await CONTROLS[name].check(installation)
    assert found.holds, found.details
    assert int(re.findall(r"\d+", found.summary)[0]) > 0
