"""The limits hold, for all processes together."""

import subprocess
import sys
from pathlib import Path

import pytest

from stockade.kernel.problems import Refusal
from stockade.web.limits import MINUTE_NS, SECOND_NS, Concurrency, Limiter, prepare_concurrency, prepare_limits
from stockade.web.problems import TooManyAtOnce

NOW = 1_000 * MINUTE_NS
PROCESSES = 4

HAMMER = """
import sys
from pathlib import Path
from stockade.web.limits import Limiter
limiter = Limiter(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(sum(limiter.hit(b"one", 1000, now_ns=int(sys.argv[2])).allowed for _ in range(2000)))
"""
HOLD = """
import sys
from pathlib import Path
from stockade.web.limits import Concurrency
with Concurrency(Path(sys.argv[1])).hold(b"one", 1):
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def limiter(tmp_path: Path) -> Limiter:
    prepare_limits(tmp_path / "limits")
    return Limiter(tmp_path / "limits")


def spawned(code: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_several_processes_together_are_allowed_exactly_the_limit(tmp_path: Path) -> None:
    prepare_limits(tmp_path / "limits")
    processes = [spawned(HAMMER, str(tmp_path / "limits"), str(NOW)) for _ in range(PROCESSES)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    allowed = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(allowed) == 1000


def test_a_burst_is_allowed_and_not_one_more(limiter: Limiter) -> None:
    verdicts = [limiter.hit(b"one", 60, 5, NOW) for _ in range(6)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False]
    assert [verdict.remaining for verdict in verdicts] == [4, 3, 2, 1, 0, 0]
    assert [verdict.reset_seconds for verdict in verdicts] == [1, 2, 3, 4, 5, 5]
    assert [verdict.retry_after_seconds for verdict in verdicts] == [0] * 5 + [1]


def test_after_the_burst_requests_are_allowed_evenly_through_the_minute(limiter: Limiter) -> None:
    for _ in range(5):
        limiter.hit(b"one", 60, 5, NOW)
    allowed = [limiter.hit(b"one", 60, 5, NOW + half * SECOND_NS // 2).allowed for half in range(1, 21)]
    assert allowed == [False, True] * 10


def test_who_waits_as_long_as_it_was_told_is_let_in(limiter: Limiter) -> None:
    for _ in range(10):
        limiter.hit(b"one", 7, 3, NOW)
    refused = limiter.hit(b"one", 7, 3, NOW)
    assert not limiter.hit(b"one", 7, 3, NOW + (refused.retry_after_seconds - 1) * SECOND_NS).allowed
    assert limiter.hit(b"one", 7, 3, NOW + refused.retry_after_seconds * SECOND_NS).allowed


def test_a_refused_request_does_not_prolong_the_wait(limiter: Limiter) -> None:
    for _ in range(100):
        limiter.hit(b"one", 60, 5, NOW)
    assert limiter.hit(b"one", 60, 5, NOW + SECOND_NS).allowed


def test_one_keys_requests_do_not_count_for_another(limiter: Limiter) -> None:
    for _ in range(6):
        limiter.hit(b"one", 60, 5, NOW)
    assert limiter.hit(b"two", 60, 5, NOW).remaining == 4


def test_a_flooded_table_forgets_nobodys_debt(tmp_path: Path) -> None:
    prepare_limits(tmp_path / "limits", buckets=1)
    limiter = Limiter(tmp_path / "limits")
    for _ in range(6):
        limiter.hit(b"one", 60, 5, NOW)
    for number in range(1000):
        limiter.hit(b"%d" % number, 60, 5, NOW)
    assert not limiter.hit(b"one", 60, 5, NOW).allowed


def test_a_flooded_table_allows_no_more_than_its_slots_would(tmp_path: Path) -> None:
    prepare_limits(tmp_path / "limits", buckets=1)
    limiter = Limiter(tmp_path / "limits")
    assert sum(limiter.hit(b"%d" % (number % 500), 60, 5, NOW).allowed for number in range(2500)) == 4 * 5


def test_a_slot_whose_time_has_come_is_given_to_a_newcomer(tmp_path: Path) -> None:
    prepare_limits(tmp_path / "limits", buckets=1)
    limiter = Limiter(tmp_path / "limits")
    for number in range(40):
        limiter.hit(b"%d" % number, 60, 5, NOW)
    assert limiter.hit(b"new", 60, 5, NOW + MINUTE_NS).remaining == 4


def test_each_start_places_keys_by_a_secret_of_its_own(tmp_path: Path) -> None:
    prepare_limits(tmp_path / "limits")
    before = (tmp_path / "limits").read_bytes()[:16]
    prepare_limits(tmp_path / "limits")
    assert (tmp_path / "limits").read_bytes()[:16] != before
    assert (tmp_path / "limits").stat().st_mode & 0o777 == 0o600


def test_limits_that_were_not_prepared_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="limits"):
        Limiter(tmp_path / "limits")


@pytest.fixture
def concurrency(tmp_path: Path) -> Concurrency:
    prepare_concurrency(tmp_path / "concurrency")
    return Concurrency(tmp_path / "concurrency")


def test_no_more_than_so_many_heavy_operations_of_one_key_run_at_once(concurrency: Concurrency) -> None:
    with concurrency.hold(b"one", 2), concurrency.hold(b"one", 2):
        with pytest.raises(TooManyAtOnce), concurrency.hold(b"one", 2):
            pytest.fail("a third was let in")
        with concurrency.hold(b"two", 2):
            pass
    with concurrency.hold(b"one", 2), concurrency.hold(b"one", 2):
        pass


def test_a_place_is_free_again_when_the_operation_fails(concurrency: Concurrency) -> None:
    with pytest.raises(ZeroDivisionError), concurrency.hold(b"one", 1):
        _ = 1 / 0
    with concurrency.hold(b"one", 1):
        pass


def test_another_process_counts_until_it_is_killed(concurrency: Concurrency, tmp_path: Path) -> None:
    holder = spawned(HOLD, str(tmp_path / "concurrency"))
    with pytest.raises(TooManyAtOnce), concurrency.hold(b"one", 1):
        pytest.fail("a second was let in")
    holder.kill()
    holder.wait()
    with concurrency.hold(b"one", 1):
        pass
