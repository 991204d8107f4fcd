"""What can go wrong, said so that its reader can act on it.

Two families, one for each kind of reader:

- ``Problem``: the caller of the API or the person at the page. RFC 9457; each kind has its own class, type and status.
- ``Refusal``: the operator on the command line or at start-up. One sentence, exit code 2, no traceback.

Problem
 +-- NotFound          another tenant's row is answered with exactly this one, too
 +-- Conflict
 |    +-- VersionConflict
 +-- Invalid           well-formed, but not acceptable: names the field
 +-- Unauthenticated, Forbidden, ...  live beside the code that raises them
"""

from collections.abc import Iterator
from typing import Any, ClassVar


class Refusal(Exception):
    """The installation cannot do what its operator asked for; the message is one sentence that says what to do."""


class Problem(Exception):
    """A refusal in the terms of RFC 9457.

    ``detail`` is a sentence about this occurrence; ``members`` are extension members of the answer.
    """

    type: ClassVar[str] = "about:blank"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500

    def __init__(self, detail: str = "", **members: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.members = members

    def document(self) -> dict[str, Any]:
        """Return the members of the ``application/problem+json`` answer."""
        body: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        return body | self.members


class NotFound(Problem):
    """No such row, or not this tenant's: the two are told apart by nobody."""

    type = "/problems/not-found"
    title = "There is no such thing here"
    status = 404


class Conflict(Problem):
    """The state of things forbids it now."""

    type = "/problems/conflict"
    title = "The current state does not allow this"
    status = 409


class VersionConflict(Conflict):
    """Somebody else changed the row since the caller read it."""

    type = "/problems/version-conflict"
    title = "This was changed by someone else in the meantime"


class Invalid(Problem):
    """The input is malformed or breaks a rule; ``errors`` lists field and message."""

    type = "/problems/invalid"
    title = "The input is not valid"
    status = 422

    def __init__(self, detail: str = "", *, field: str | None = None, **members: Any) -> None:
        if field is not None:
            members.setdefault("errors", [{"field": field, "message": detail}])
        super().__init__(detail, **members)


def all_problems(base: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Yield every kind of problem that has been declared, for the documentation and its test."""
    for kind in base.__subclasses__():
        yield kind
        yield from all_problems(kind)
