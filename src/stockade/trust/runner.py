"""Running controls: a few at once, none for ever, and every run leaves evidence, whatever comes of it.

A check that raises, hangs or answers with something else than a finding has not shown that its promise holds, so it
fails. What it raised is named by kind only: messages of databases and parsers quote what they choked on.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from stockade.kernel.clock import now
from stockade.kernel.control import Control, Finding, Installation
from stockade.kernel.logging import logger
from stockade.kernel.problems import Refusal
from stockade.trust.build import commit, version
from stockade.trust.collect import collect
from stockade.trust.evidence import EvidenceSigner, Recorded, Result, latest, record

AT_ONCE = 2
TIMEOUT_SECONDS = 60.0
_LETTING_GO_SECONDS = 1.0


class LiveInstallation(Installation, Protocol):
    """A running installation that can also sign what was found in it."""

    @property
    def evidence_signer(self) -> EvidenceSigner:
        """The signer of evidence."""


async def run_controls(
    installation: LiveInstallation, ids: Sequence[str] | None = None, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> list[Result]:
    """Run controls (those named, else all) now and return what they found, by id; ``Refusal`` for an unknown id.

    Each result is recorded as soon as it is there, so that an interrupted run loses only what was not finished.
    """
    controls = collect()
    chosen = sorted(controls) if ids is None else list(dict.fromkeys(ids))
    if unknown := [name for name in chosen if name not in controls]:
        raise Refusal(f"There is no control {unknown[0]!r}: 'stockade trust run' without a name runs all of them.")
    places, signer = asyncio.Semaphore(AT_ONCE), installation.evidence_signer

    async def run_one(name: str) -> Result:
        async with places:
            result = await checked(controls[name], installation, timeout_seconds)
            return await record(installation.worker, signer, result)

    outcomes = await asyncio.gather(*(run_one(name) for name in chosen), return_exceptions=True)
    # Evidence that could not be stored is an error of the run, not of a control; the others have been recorded.
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Result)]


async def run_due(installation: LiveInstallation) -> list[Result]:
    """Run the controls whose turn has come, and return what they found."""
    waiting = await due(installation)
    return await run_controls(installation, waiting) if waiting else []


async def due(installation: LiveInstallation, moment: datetime | None = None) -> list[str]:
    """Return the ids of the controls whose last evidence is older than their interval, or tells nothing about now.

    It tells nothing if it was made by another version of the code, or does not verify (altered, or signed by a key that
    has been replaced).
    """
    controls = collect()
    found = await latest(installation.worker, list(controls))
    public_key = installation.evidence_signer.public_key
    at = moment or now()
    return [name for name in sorted(controls) if _is_due(controls[name], found.get(name), public_key, at)]


async def checked(control: Control, installation: Installation, timeout_seconds: float = TIMEOUT_SECONDS) -> Result:
    """Run one check and return what it found; nothing that it does escapes."""
    started_at, begun = now(), time.perf_counter()
    finding = await _finding_of(control, installation, timeout_seconds)
    return Result(
        control=control.id,
        claims=control.claims,
        promise=control.statement,
        outcome="holds" if finding.holds is True else "fails",
        summary=finding.summary,
        details=tuple(finding.details),
        started_at=started_at,
        checked_at=now(),
        duration_ms=round((time.perf_counter() - begun) * 1000),
        max_age_seconds=round(control.max_age.total_seconds()),
    )


async def _finding_of(control: Control, installation: Installation, timeout_seconds: float) -> Finding:
    task = asyncio.ensure_future(control.check(installation))
    try:
        # Not wait_for: that waits for a check that swallows its cancellation, for ever.
        done, _ = await asyncio.wait({task}, timeout=timeout_seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=_LETTING_GO_SECONDS)
        return Finding(False, f"The check did not finish within {timeout_seconds:g} seconds.")
    if task.cancelled():
        return Finding(False, "The check was broken off.")
    if (error := task.exception()) is not None:
        kind = type(error).__name__
        logger.error("control failed to run", control=control.id, error=kind)
        return Finding(False, f"The check could not be carried out: {kind}.")
    found = task.result()
    return found if isinstance(found, Finding) else Finding(False, "The check returned no finding.")


def _is_due(control: Control, last: Recorded | None, public_key: bytes, moment: datetime) -> bool:
    if last is None or not last.is_genuine(public_key):
        return True
    said = last.statement
    if said["version"] != version() or said["commit"] != commit():
        return True
    age = moment - datetime.fromisoformat(said["checked_at"])
    return age >= control.every or age < -timedelta(minutes=1)
