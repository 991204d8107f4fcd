"""The claims: what the trust page promises, as ``claims.toml`` lists it. A list in disorder refuses to load."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from stockade.kernel.problems import Refusal

_FILE = Path(__file__).parent / "claims.toml"


class Claim(msgspec.Struct, frozen=True):
    """One promise: its id (``A1``), its group's letter, and one sentence."""

    id: str
    group: str
    statement: str


class Group(msgspec.Struct, frozen=True):
    """Claims that belong together, in order."""

    letter: str
    title: str
    claims: tuple[Claim, ...]


@cache
def all_groups() -> tuple[Group, ...]:
    """Return the groups with their claims, as the page shows them."""
    return read_groups(_FILE.read_text())


@cache
def all_claims() -> dict[str, Claim]:
    """Return every claim by id."""
    return {claim.id: claim for group in all_groups() for claim in group.claims}


def read_groups(text: str) -> tuple[Group, ...]:
    """Return the groups of a claims file; ``Refusal`` if an id is there twice, has no group or states nothing."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # a key that is there twice is an error of TOML itself
        raise Refusal(f"The list of claims cannot be read: {error}.") from None
    titles: dict[str, Any] = content.get("groups", {})
    claims = [Claim(name, name[:1], statement) for name, statement in content.get("claims", {}).items()]
    for claim in claims:
        if claim.group not in titles or not claim.id[1:].isdigit():
            raise Refusal(f"The claim {claim.id} belongs to no group: its id is a group's letter and a number.")
        if not isinstance(claim.statement, str) or not claim.statement.endswith("."):
            raise Refusal(f"The claim {claim.id} needs a sentence that states it.")
    groups = tuple(
        Group(letter, title, tuple(claim for claim in claims if claim.group == letter))
        for letter, title in titles.items()
    )
    for group in groups:
        if not group.title or not group.claims:
            raise Refusal(f"The group {group.letter} of claims needs a title and at least one claim.")
    return groups
