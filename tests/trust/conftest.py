"""An installation on a database of the test's own, so that its chain of evidence is its own, too."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.trust.samples import ToyInstallation, toy_installation


@pytest.fixture
async def installation(server: Any, scratch: str) -> AsyncIterator[ToyInstallation]:
    """A toy installation on a scratch database."""
    async with toy_installation(server, scratch) as opened:
        yield opened
