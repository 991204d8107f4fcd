"""The lock on a data folder (what becomes of it when its holder is killed: ``test_embedded``)."""

import os
from pathlib import Path

import pytest

from stockade.database import embedded
from stockade.database.embedded import HomeLock
from stockade.kernel.problems import Refusal


def test_a_second_holder_of_a_home_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with HomeLock(tmp_path):
        assert embedded.is_locked(tmp_path)
        assert embedded.holder(tmp_path) == os.getpid()
        with pytest.raises(Refusal, match=f"in use by process {os.getpid()}"), HomeLock(tmp_path):
            pass
    assert not embedded.is_locked(tmp_path)
    assert embedded.holder(tmp_path) is None
    with HomeLock(tmp_path):
        pass
