"""The steps of a sign-in by a provider: the same code runs a sign-in and its test, and a test tells each of them."""

from typing import Literal

import msgspec

from stockade.kernel.problems import Problem
from stockade.kernel.words import N_

StepName = Literal[
    "discovery", "keys", "address", "browser", "answer", "issuer", "exchange", "signature", "claims", "person", "email",
    "domain", "place", "metadata", "certificate",
]  # fmt: skip
LABELS: dict[str, str] = {
    "discovery": N_("The provider describes itself"),
    "keys": N_("Its keys can be read"),
    "address": N_("The address to sign in at"),
    "browser": N_("The answer belongs to this browser"),
    "answer": N_("The provider let the person in"),
    "issuer": N_("The answer is this provider's"),
    "exchange": N_("The code is exchanged for tokens"),
    "signature": N_("The token is signed by the provider"),
    "claims": N_("The token is meant for this sign-in"),
    "person": N_("The person is named"),
    "email": N_("The e-mail address is verified there"),
    "domain": N_("The address belongs to one of your domains"),
    "place": N_("The person has a place here"),
    "metadata": N_("The provider's metadata can be read"),
    "certificate": N_("The provider's certificate is valid"),
}


class SignOnRefused(Problem):
    """The organisation's own sign-on was tried, and somebody does not come in by it; the detail says what to do."""

    type = "/problems/identity/sign-on-refused"
    title = "Your organisation's sign-on did not let you in"
    status = 401


class Step(msgspec.Struct, frozen=True):
    """One step: whether it worked, and what was seen."""

    name: str
    works: bool
    text: str


class Steps:
    """What was done so far; the last one begun is where a failure belongs."""

    def __init__(self) -> None:
        self.done: list[Step] = []
        self._current: StepName = "browser"

    def begin(self, name: StepName) -> None:
        """Say which step comes now."""
        self._current = name

    def passed(self, text: str = "") -> None:
        """Say that it worked, and what was seen."""
        self.done.append(Step(self._current, True, text))

    def failed(self, problem: Problem) -> None:
        """Say that it did not."""
        self.done.append(Step(self._current, False, problem.detail or problem.title))
