"""The control of suspicion: made-up weeks of a made-up person, then everything that a thief would do (claim B12).

All of it happens in the probe's own transaction, which is rolled back: nothing is left, and no letter leaves.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from stockade.identity.service.members import Place, add_member
from stockade.identity.suspicion import noting
from stockade.identity.suspicion.policy import PolicyChange, read_policy, set_policy
from stockade.identity.suspicion.rules import Judgement
from stockade.kernel.clock import now
from stockade.kernel.control import Finding, Installation, Probe, control, finding
from stockade.kernel.ids import new_id
from stockade.tenancy.attacks import trial
from stockade.tenancy.pin import ActorKind
from stockade.tenancy.transaction import Transaction

HOME, ABROAD = "194.29.130.1", "133.11.0.1"
"""A university's address in Poland, and one in Japan: they have not moved in decades."""
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_DAYS = 14
_ENSURE = "select identity.ensure_account($1, $2, 'Probe of suspicion')"
_SESSION = (
    "insert into identity.session (tenant_id, id, token_hash, account_id, method, user_agent, expires_at) "
    "values ($1, $2, $3, $4, 'password', 'probe', now() + interval '1 hour')"
)
_OPEN_SESSIONS = "select count(*) from identity.session where tenant_id = $1 and account_id = $2 and ended_at is null"
_ALERTS = "select kind, evidence from identity.alert where tenant_id = $1 and actor_id = $2"
_LETTERS = "select count(*) from mail.message where tenant_id = $1 and to_address = $2"


@control(
    id="identity.suspicion-raises-alerts", claims=("B12",), every=timedelta(minutes=30), max_age=timedelta(hours=2),
    standards=("OWASP ASVS 5.0 V6.3", "ISO 27001 A.8.16", "SOC 2 CC7.2", "NIST CSF DE.CM-3"),
    statement="After two quiet weeks of simulated work, which raise no alert, a sign-in from a new country, with a new "
    "device, too soon after the last, an hour of far too many requests and a bulk export each raise an alert with "
    "evidence and a letter to the person; and where the organisation wants it, they ask for another factor or lock.",
)  # fmt: skip
async def suspicion_raises_alerts(installation: Installation) -> Finding:
    """Replay weeks of ordinary work, then a theft, in a probe tenant."""
    probe = installation.probes[0]
    account = new_id()
    principal = msgspec.structs.replace(probe.principal, kind=ActorKind.USER, actor_id=account)
    async with trial(installation.application, Probe(probe.tenant_id, principal)) as one:
        simulation = _Simulation(one.tx, account)
        await simulation.begin()
        await simulation.ordinary_weeks()
        await simulation.theft()
        await simulation.aftermath()
    return finding(simulation.steps, "steps of simulated traffic", simulation.wrong)


class _Simulation:
    """A made-up person in a transaction, what was tried, and what came out otherwise than it should."""

    def __init__(self, tx: Transaction, account: UUID) -> None:
        self.tx = tx
        self.account = account
        self.address = f"suspicion-{account.hex}@stockade.invalid"
        self.end = now()
        self.steps = 0
        self.wrong: list[str] = []

    async def begin(self) -> None:
        """Make the person with an open session, and set the policy."""
        await self.tx.fetchrow(_ENSURE, self.account, self.address)
        await add_member(
            self.tx, id=new_id(), email=self.address, name="Probe of suspicion", place=Place(role="viewer")
        )
        await self.tx.execute(_SESSION, self.tx.tenant_id, new_id(), self.account.bytes * 2, self.account)
        held = await read_policy(self.tx)
        await set_policy(self.tx, PolicyChange(
            expected_version=held.version, new_country="notify", new_device="notify", impossible_travel="lock",
            abnormal_rate="notify", bulk_export="step_up", lockout="notify", token_reuse="lock",  # noqa: S106  # a kind of alert
        ))  # fmt: skip

    async def ordinary_weeks(self) -> None:
        """Sign in each morning, work for some hours, export a little: nothing is to be said about it."""
        for day in range(_DAYS, 0, -1):
            morning = self.end - timedelta(days=day)
            self._expect(f"an ordinary sign-in {day} days ago", await self._sign_in(HOME, "laptop", morning), "none")
            for hour in range(2):
                at = morning + timedelta(hours=hour)
                noted = await noting.note_requests(self.tx, self.account, ActorKind.USER, 60, at=at)
                self._expect("an ordinary hour", noted, "none")
            self._expect("an ordinary export", await noting.note_export(self.tx, 300, at=morning), "none")

    async def theft(self) -> None:
        """Do what a thief does; each kind of it has to be found."""
        await self._sign_in(HOME, "laptop", self.end - timedelta(minutes=30))
        abroad = await self._sign_in(ABROAD, "thief", self.end)
        self._expect("a sign-in from Japan half an hour later", abroad, "lock", "new_country", "new_device",
                     "impossible_travel")  # fmt: skip
        flood = await noting.note_requests(self.tx, self.account, ActorKind.USER, 5_000, at=self.end)
        self._expect("an hour of 5,000 requests", flood, "notify", "abnormal_rate")
        haul = await noting.note_export(self.tx, 50_000, at=self.end)
        self._expect("an export of 50,000 rows", haul, "step_up", "bulk_export")

    async def aftermath(self) -> None:
        """Alerts, letter, ended sessions; the thief stays out, the person does not."""
        tenant = self.tx.tenant_id
        alerts: dict[str, Any] = dict(map(tuple, await self.tx.fetch(_ALERTS, tenant, self.account)))
        for kind in ("new_country", "new_device", "impossible_travel", "abnormal_rate", "bulk_export"):
            self._hold(bool(alerts.get(kind)), f"there is no alert with evidence of the kind {kind}")
        letters = await self.tx.fetchrow(_LETTERS, tenant, self.address)
        self._hold(letters[0] >= 3, f"{letters[0]} letters were written to the person instead of three")
        sessions = await self.tx.fetchrow(_OPEN_SESSIONS, tenant, self.account)
        self._hold(sessions[0] == 0, "the lock left a session open")
        later = self.end + timedelta(days=2)
        self._expect("the thief's next sign-in", await self._sign_in(ABROAD, "thief", later), "lock", *("new_country",
                     "new_device"))  # fmt: skip
        self._expect("the person's own next sign-in", await self._sign_in(HOME, "laptop", later), "none")

    async def _sign_in(self, address: str, device: str, at: datetime) -> Judgement:
        return await noting.note_sign_in(
            self.tx, account_id=self.account, address=address, user_agent=_FIREFOX, device=device, at=at
        )

    def _expect(self, what: str, judgement: Judgement, action: str, *kinds: str) -> None:
        fits = judgement.action == action and judgement.kinds == kinds
        said = f"{judgement.action} for {', '.join(judgement.kinds) or 'nothing'}"
        self._hold(fits, f"{what} is answered with {said}")

    def _hold(self, holds: bool, otherwise: str) -> None:
        self.steps += 1
        if not holds:
            self.wrong.append(otherwise)
