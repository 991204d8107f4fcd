"""Controls: a promise, and the check of the running installation that could find it broken.

A slice declares its controls in ``controls.py``; ``trust`` collects them, runs them on schedule and publishes what they
find. A check never passes vacuously: it says how much it looked at, and fails when it looked at nothing.

    @control(
        id="tenancy.wall-stands",
        claims=("A1",),
        statement="…",
        every=timedelta(minutes=15),
        max_age=timedelta(hours=1),
    )
    async def wall_stands(installation: Installation) -> Finding: ...
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Probe:
    """A tenant that belongs to the controls: it holds made-up rows in every table, and no customer.

    ``principal`` acts for it (``stockade.tenancy.principal.Principal``).
    """

    tenant_id: UUID
    principal: Any


@dataclass(frozen=True)
class RouteInfo:
    """A route that is served: its method and path template, the permission that it asks for (None: it declares none),
    and its surface: ``api``, ``page`` or ``public``."""

    method: str
    path: str
    permission: str | None
    surface: str


class Installation(Protocol):
    """What a check may use of the running installation.

    ``application``, ``worker`` and ``platform`` are ``stockade.tenancy.transaction.Database``, connected as those
    roles; ``settings`` is ``stockade.kernel.settings.Settings``; ``routes`` are the application's routes as it serves
    them. They are typed loosely because their rooms lie above this one.
    """

    @property
    def application(self) -> Any:
        """The application's way to the database."""

    @property
    def worker(self) -> Any:
        """The worker's way to the database."""

    @property
    def platform(self) -> Any:
        """The platform operator's way to the database."""

    @property
    def probes(self) -> tuple[Probe, Probe]:
        """Two tenants with rows in every table: one to attack from, one to attack."""

    @property
    def origin(self) -> str:
        """Where the installation answers, as in ``https://localhost:8443``."""

    @property
    def certificate_authority(self) -> Path | None:
        """The certificate that signs the installation's own, None if a public authority does."""

    @property
    def settings(self) -> Any:
        """The settings that the installation runs with."""

    @property
    def routes(self) -> list[RouteInfo]:
        """Every route that is served."""

    def probe_key(self, role: str = "owner") -> AbstractAsyncContextManager[str]:
        """An API key of the first probe tenant, revoked when the block is left."""

    async def probe_link(self) -> str:
        """The secret of a fresh one-time link of the first probe tenant's person."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Whether the promise holds, one sentence with figures, and a line for each thing that is wrong.
    """

    holds: bool
    summary: str
    details: tuple[str, ...] = ()


Check = Callable[[Installation], Awaitable[Finding]]


@dataclass(frozen=True)
class Control:
    """A promise with its check.

    ``claims`` are ids of the published claims that it proves; ``every`` is how often it runs; older than ``max_age``
    its last result is stale; ``standards`` are references such as ``ISO 27001 A.8.3``.
    """

    id: str
    claims: tuple[str, ...]
    statement: str
    check: Check
    every: timedelta
    max_age: timedelta
    standards: tuple[str, ...] = ()


CONTROLS: dict[str, Control] = {}
"""Every declared control by id."""


def control(
    *,
    id: str,
    claims: tuple[str, ...],
    statement: str,
    every: timedelta,
    max_age: timedelta,
    standards: tuple[str, ...] = (),
    needs_key: bool = False,
) -> Callable[[Check], Check]:
    """Declare the decorated check as a control. Where it ``needs_key``, it fails without a look at an installation that
    gives no key of a probe.

    Raises ``ValueError`` for an id that is taken or a control that could only be stale.
    """
    if id in CONTROLS:
        raise ValueError(f"There are two controls with the id {id}.")
    if not claims or every >= max_age:
        raise ValueError(f"The control {id} must prove a claim, and run more often than its result expires.")

    def declare(check: Check) -> Check:
        asked = _with_key(check) if needs_key else check
        CONTROLS[id] = Control(id, claims, statement, asked, every, max_age, standards)
        return asked

    return declare


def _with_key(check: Check) -> Check:
    @wraps(check)
    async def asked(installation: Installation) -> Finding:
        if getattr(installation, "probe_key", None) is None:
            return Finding(False, "It cannot be checked: the installation gives no key of a probe.")
        return await check(installation)

    return asked


def finding(looked_at: int, what: str, wrong: list[str] | tuple[str, ...]) -> Finding:
    """Return the finding of a check that looked at ``looked_at`` things.

    Having looked at nothing is a failure of its own.
    """
    if not looked_at:
        return Finding(False, f"Nothing was checked: there are no {what}.", tuple(wrong))
    if wrong:
        return Finding(False, f"{looked_at} {what} checked, {len(wrong)} breaches: {wrong[0]}", tuple(wrong))
    return Finding(True, f"{looked_at} {what} checked, no breach.")
