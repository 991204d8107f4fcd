"""The rules of suspicion, on replayed traffic: what is usual stays quiet, what is not is found, with its evidence."""

from datetime import UTC, datetime, timedelta

import pytest

from stockade.identity.suspicion.places import least_km
from stockade.identity.suspicion.rules import (
    DEFAULT_POLICY,
    Judgement,
    Sighting,
    family_of,
    judge_export,
    judge_rate,
    judge_sign_in,
    judged,
    keeps_out,
)

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
LAPTOP, PHONE, STRANGER = b"laptop", b"phone", b"stranger"


def seen(hours: float, country: str | None = "PL", device: bytes = LAPTOP) -> Sighting:
    return Sighting(DAY + timedelta(hours=hours), country, device)


def kinds(now: Sighting, past: list[Sighting]) -> list[str]:
    return [found.kind for found in judge_sign_in(now, past)]


def replay(traffic: list[Sighting]) -> list[tuple[int, str]]:
    """Judge each sign-in against those before it, as they come."""
    return [(place, kind) for place, now in enumerate(traffic) for kind in kinds(now, traffic[:place])]


def test_the_first_sign_in_is_unlike_nothing() -> None:
    assert kinds(seen(0), []) == []


def test_a_quarter_of_office_days_on_two_devices_raises_one_alert_for_the_second_device() -> None:
    traffic = [seen(24 * day, device=PHONE if day % 3 == 2 else LAPTOP) for day in range(90)]
    assert replay(traffic) == [(2, "new_device")]


def test_a_seller_who_crosses_the_border_each_week_is_suspected_once_for_the_country_and_never_for_the_travel() -> None:
    traffic = [seen(168 * week + hour, country) for week in range(12) for hour, country in ((0, "PL"), (3, "DE"))]
    assert replay(traffic) == [(1, "new_country")]


def test_a_flight_to_japan_takes_its_time_and_a_stolen_password_does_not() -> None:
    past = [seen(0), seen(-300, "JP")]
    assert kinds(seen(14, "JP"), past) == []
    assert kinds(seen(2, "JP"), past) == ["impossible_travel"]
    assert kinds(seen(2, "JP", STRANGER), [seen(0)]) == ["new_country", "new_device", "impossible_travel"]


def test_the_evidence_of_a_journey_names_both_ends_the_distance_and_the_time() -> None:
    found = judge_sign_in(seen(1, "AU"), [seen(0)])[-1]
    assert (found.evidence["from"], found.evidence["to"], found.evidence["minutes"]) == ("PL", "AU", 60)
    assert 10_000 < found.evidence["at_least_km"] < 14_000


def test_an_address_without_a_country_is_judged_by_its_device_alone() -> None:
    assert kinds(seen(1, None), [seen(0)]) == []
    assert kinds(seen(1, None, STRANGER), [seen(0)]) == ["new_device"]
    assert kinds(seen(1), [seen(0, None)]) == []


def test_two_sign_ins_in_the_same_moment_at_two_ends_of_the_world_are_found() -> None:
    assert "impossible_travel" in kinds(seen(0, "US"), [seen(0, "PL")])


@pytest.mark.parametrize(("one", "other", "low", "high"), [
    ("PL", "DE", 0, 0), ("PL", "RU", 0, 2000), ("US", "CA", 0, 0), ("RU", "CN", 0, 1000), ("PL", "JP", 6500, 8600),
    ("GB", "AU", 10_000, 15_000), ("FR", "BR", 4000, 8500), ("PL", "PL", 0, 0),
])  # fmt: skip
def test_countries_are_as_far_apart_as_they_are_at_the_least(one: str, other: str, low: float, high: float) -> None:
    distance = least_km(one, other)
    assert distance == least_km(other, one)
    assert distance is not None
    assert low <= distance <= high


def test_a_country_that_is_not_in_the_table_is_at_no_distance() -> None:
    assert least_km("PL", "XX") is None


def test_a_busy_day_is_not_abnormal_and_a_scraper_is() -> None:
    usual = [120, 80, 200, 150, 90, 40] * 10
    assert judge_rate(900, usual) is None
    found = judge_rate(4_000, usual)
    assert found is not None
    assert found.evidence == {"requests_this_hour": 4_000, "usual_at_most": 200, "limit": 1_000}


def test_an_integration_that_always_asks_a_lot_is_measured_by_its_own_hours() -> None:
    usual = [9_000] * 100
    assert judge_rate(30_000, usual) is None
    assert judge_rate(50_000, usual) is not None


def test_one_wild_hour_does_not_become_what_is_usual() -> None:
    assert judge_rate(4_000, [100] * 100 + [50_000]) is not None


def test_whoever_has_no_past_has_a_generous_limit() -> None:
    assert judge_rate(15_000, [10] * 5) is None
    assert judge_rate(25_000, [10] * 5) is not None


def test_exports_are_measured_by_the_busiest_day_of_a_month() -> None:
    month = [500, 0, 900, 700] * 7
    assert judge_export(4_500, month) is None
    found = judge_export(60_000, month)
    assert found is not None
    assert found.evidence == {"rows_in_24_hours": 60_000, "busiest_day_before": 900, "limit": 4_500}
    assert judge_export(9_000, []) is None
    assert judge_export(11_000, []) is not None


def test_the_strongest_answer_of_the_policy_wins() -> None:
    policy = DEFAULT_POLICY | {"new_device": "lock"}
    assert judged(["new_country", "impossible_travel"], policy) == Judgement(
        "step_up", ("new_country", "impossible_travel")
    )
    assert judged(["new_country", "new_device"], policy).action == "lock"
    assert judged([], policy).action == "none"
    assert judged([], policy, locked=True).action == "lock"


def test_a_lock_for_a_strange_sign_in_leaves_the_persons_own_devices_open() -> None:
    past = [seen(0), seen(1, device=PHONE)]
    assert not keeps_out(["impossible_travel", "new_device"], seen(5), past)
    assert keeps_out(["impossible_travel"], seen(5, device=STRANGER), past)
    assert keeps_out(["new_country"], seen(5, "US"), past)


def test_a_lock_for_what_an_insider_did_holds_on_every_device() -> None:
    assert keeps_out(["bulk_export"], seen(5), [seen(0)])
    assert not keeps_out([], seen(5, device=STRANGER), [seen(0)])


@pytest.mark.parametrize(("user_agent", "family"), [
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0", "Firefox on Windows"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
     "Edge on macOS"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1",
     "Safari on iOS"),
    ("curl/8", "another program on another system"),
])  # fmt: skip
def test_an_update_leaves_a_browser_the_same(user_agent: str, family: str) -> None:
    assert family_of(user_agent) == family
