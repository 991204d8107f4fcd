"""The rules of suspicion: pure. Each compares what happens now with the same person's own past."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from stockade.identity.suspicion.places import least_km

Kind = Literal[
    "new_country", "new_device", "impossible_travel", "abnormal_rate", "bulk_export", "lockout", "token_reuse"
]
Action = Literal["none", "notify", "step_up", "lock"]
Policy = Mapping[Kind, Action]
STRENGTH: tuple[Action, ...] = ("none", "notify", "step_up", "lock")
DEFAULT_POLICY: dict[Kind, Action] = {
    "new_country": "notify", "new_device": "notify", "impossible_travel": "step_up", "abnormal_rate": "notify",
    "bulk_export": "notify", "lockout": "notify", "token_reuse": "notify",
}  # fmt: skip
FASTEST_KMH = 1000.0
"""An airliner's speed over ground. Time at airports only makes it slower."""
BEGIN_KM = 300.0
"""Nearer than this, databases of addresses err too often."""
HOURS_TO_KNOW = 24
"""Hours with activity that make a baseline."""
RATE_FACTOR, RATE_FLOOR, RATE_OF_A_STRANGER = 5, 1_000, 20_000
EXPORT_FACTOR, EXPORT_FLOOR, EXPORT_OF_A_STRANGER = 5, 2_000, 10_000
EXPORT_DAYS = 30
_INSIDERS: frozenset[Kind] = frozenset({"abnormal_rate", "bulk_export", "token_reuse"})
"""What somebody does who is in already: a lock for it holds on known devices, too."""
_FAMILIES = (("Edge", r"\bEdgA?/"), ("Opera", r"\bOPR/"), ("Firefox", r"\b(Firefox|FxiOS)/"),
             ("Chrome", r"\b(Headless)?(Chrome|CriOS)/"), ("Safari", r"\bSafari/"))  # fmt: skip
_SYSTEMS = (("Android", r"Android"), ("iOS", r"iPhone|iPad"), ("Windows", r"Windows"), ("macOS", r"Mac OS X"),
            ("Linux", r"Linux"))  # fmt: skip


class Sighting(msgspec.Struct, frozen=True):
    """A sign-in: when, from which country (None: unknown), and with which device (a hash)."""

    at: datetime
    country: str | None
    device: bytes


class Suspicion(msgspec.Struct, frozen=True):
    """What is unlike the past, and the evidence for it."""

    kind: Kind
    evidence: dict[str, Any]


class Judgement(msgspec.Struct, frozen=True):
    """What is to be done: nothing, nothing but tell, ask for another factor, or let nobody in; and why."""

    action: Action = "none"
    kinds: tuple[Kind, ...] = ()


def judge_sign_in(seen: Sighting, past: Sequence[Sighting]) -> list[Suspicion]:
    """Compare a sign-in with the ones before. The first one ever has nothing to be unlike."""
    if not past:
        return []
    found: list[Suspicion] = []
    countries = sorted({one.country for one in past if one.country})
    if seen.country and countries and seen.country not in countries:
        found.append(Suspicion("new_country", {"country": seen.country, "known_countries": countries}))
    if seen.device not in {one.device for one in past}:
        found.append(Suspicion("new_device", {"known_devices": len({one.device for one in past})}))
    travel = _travel(seen, past)
    return [*found, travel] if travel else found


def _travel(seen: Sighting, past: Sequence[Sighting]) -> Suspicion | None:
    placed = [one for one in past if one.country and one.at <= seen.at]
    if not placed or seen.country is None:
        return None
    last = max(placed, key=lambda one: one.at)
    distance = least_km(str(last.country), seen.country)
    hours = (seen.at - last.at) / timedelta(hours=1)
    if distance is None or distance < BEGIN_KM or distance <= FASTEST_KMH * hours:
        return None
    return Suspicion("impossible_travel", {
        "from": last.country, "to": seen.country, "at_least_km": round(distance), "minutes": round(hours * 60),
    })  # fmt: skip


def judge_rate(this_hour: int, earlier_hours: Sequence[int]) -> Suspicion | None:
    """Compare an hour's requests with the person's own hours: five times a busy one (the 95th centile) is too many."""
    if len(earlier_hours) < HOURS_TO_KNOW:
        limit, usual = RATE_OF_A_STRANGER, None
    else:
        usual = sorted(earlier_hours)[int(len(earlier_hours) * 0.95) - 1]
        limit = max(RATE_FLOOR, RATE_FACTOR * usual)
    if this_hour <= limit:
        return None
    return Suspicion("abnormal_rate", {"requests_this_hour": this_hour, "usual_at_most": usual, "limit": limit})


def judge_export(last_day: int, earlier_days: Sequence[int]) -> Suspicion | None:
    """Compare the rows exported in 24 hours with the busiest of the 30 days before."""
    busiest = max(earlier_days, default=0)
    limit = max(EXPORT_FLOOR, EXPORT_FACTOR * busiest) if busiest else EXPORT_OF_A_STRANGER
    if last_day <= limit:
        return None
    return Suspicion("bulk_export", {"rows_in_24_hours": last_day, "busiest_day_before": busiest, "limit": limit})


def judged(kinds: Sequence[Kind], policy: Policy, *, locked: bool = False) -> Judgement:
    """Return the strongest of what the policy says to each kind; a lock that stands is stronger than all."""
    actions: list[Action] = [policy[kind] for kind in kinds]
    strongest: Action = max(actions, key=STRENGTH.index, default="none")
    return Judgement("lock" if locked else strongest, tuple(kinds))


def keeps_out(locks: Sequence[Kind], seen: Sighting, past: Sequence[Sighting]) -> bool:
    """Whether open locks keep a sign-in out.

    On a device and in a country that were known before, only a lock for what an insider did holds: otherwise whoever
    knows a password could lock its owner out for good.
    """
    known = any(one.device == seen.device and one.country == seen.country for one in past)
    return any(kind in _INSIDERS or not known for kind in locks)


def family_of(user_agent: str) -> str:
    """Return a browser's family and system, as in ``Firefox on Windows``: what stays when it is updated."""
    browser = next((name for name, pattern in _FAMILIES if re.search(pattern, user_agent)), "another program")
    system = next((name for name, pattern in _SYSTEMS if re.search(pattern, user_agent)), "another system")
    return f"{browser} on {system}"
