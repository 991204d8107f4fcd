"""Trust checks itself: evidence is whole, nobody can change it, and it is published as it was found (claim X1)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from stockade.database.roles import Role
from stockade.kernel.control import Finding, Installation, control, finding
from stockade.trust.claims import all_claims
from stockade.trust.evidence import FIRST_PREVIOUS, EvidenceSigner, Recorded, canonical, newest, verifies
from stockade.trust.page import DOCUMENT_PATH, trust_state
from stockade.web.wire import HTML, Line, as_json

_OFTEN = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_STANDARDS = ("ISO 27001 A.5.36", "SOC 2 CC4.1")
LOOKED_BACK = 2_000
_PRIVILEGES = """
select role.name, privilege.name
from unnest($1::text[]) as role (name),
    unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) as privilege (name)
where has_table_privilege(role.name, 'trust.evidence', privilege.name)
    or (
        privilege.name in ('INSERT', 'UPDATE')
        and has_any_column_privilege(role.name, 'trust.evidence', privilege.name)
    )
"""


@control(
    id="trust.evidence-is-whole", claims=("X1",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="The newest 2,000 results are signed by the installation's key, numbered without a gap, and each names "
    "the hash of the one before.",
)  # fmt: skip
async def evidence_is_whole(installation: Installation) -> Finding:
    """Verify signature, hash, number and link of the newest evidence."""
    signer: EvidenceSigner | None = getattr(installation, "evidence_signer", None)
    if signer is None:
        return Finding(False, "It cannot be checked: there is no key to verify with.")
    rows = (await newest(installation.worker, LOOKED_BACK))[::-1]
    return finding(len(rows), "results", chain_breaches(rows, signer))


def chain_breaches(rows: Sequence[Recorded], signer: EvidenceSigner) -> list[str]:
    """Return what is wrong with evidence in order of its numbers.

    Results of a key that was replaced may only stand before the first one of the present key: their signatures cannot
    be verified here any more, but their hashes and links are.
    """
    wrong = []
    ours = False
    before: Recorded | None = None
    for row in rows:
        said = row.statement
        number = said["sequence"]
        ours = ours or said["installation"] == signer.fingerprint
        if hashlib.sha256(canonical(said)).digest() != row.evidence_hash or (
            ours and not row.is_genuine(signer.public_key)
        ):
            wrong.append(f"number {number} was altered, or not signed by this installation")
        previous = before.evidence_hash if before is not None else FIRST_PREVIOUS if number == 1 else None
        if previous is not None and said["previous_hash"] != previous.hex():
            wrong.append(f"number {number} does not name the one before it")
        if before is not None and number != before.statement["sequence"] + 1:
            wrong.append(f"between {before.statement['sequence']} and {number} something is missing")
        before = row
    return wrong


@control(
    id="trust.evidence-cannot-be-changed", claims=("X1",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="No role that logs in may change or delete evidence, and only the worker may add to it.",
)  # fmt: skip
async def evidence_cannot_be_changed(installation: Installation) -> Finding:
    """Ask the catalogue what each login may do with the table of evidence."""
    roles = [role.login for role in Role]
    async with installation.worker.main().acquire() as connection:
        given = {(str(row[0]), str(row[1])) for row in await connection.fetch(_PRIVILEGES, roles)}
    extra = sorted(given - {(Role.WORKER.login, "INSERT")})
    return finding(len(roles) * 5, "privileges", [f"{role} may {privilege}" for role, privilege in extra])


@control(
    id="trust.published-as-found", claims=("X1",), every=_OFTEN, max_age=_HOUR, standards=_STANDARDS,
    statement="The public page answers anybody and shows every claim; the document beside it is signed by the "
    "installation's key, lists every claim, and gives each the state that the stored evidence has.",
)  # fmt: skip
async def published_as_found(installation: Installation) -> Finding:
    """Fetch page and document as a stranger, verify the signature, and work every state out again."""
    signer: EvidenceSigner | None = getattr(installation, "evidence_signer", None)
    if signer is None:
        return Finding(False, "It cannot be checked: there is no key to verify with.")
    async with Line(installation) as line:
        page = await line.ask("GET", "/trust", {"Accept": HTML})
        document = as_json(await line.ask("GET", DOCUMENT_PATH))
    signature = str(document.pop("signature", ""))
    wrong = [] if page.status == 200 else [f"the page answers with {page.status}"]
    wrong += [f"the page lacks {id_}" for id_ in all_claims() if f'id="claim-{id_}"'.encode() not in page.body]
    if not _signed(document, signature, signer):
        return Finding(False, "The published document is not signed by this installation.", tuple(wrong))
    at = datetime.fromisoformat(str(document["made_at"]))
    told: Any = document["claims"]
    shown = {claim["id"]: (claim["state"], claim["evidence_hash"]) for claim in told}
    wrong += [f"the document lacks {id_}" for id_ in all_claims() if id_ not in shown]
    # Another check may be recorded meanwhile: only a claim whose evidence is the same both times is compared.
    state = await trust_state(installation.worker, signer, at)
    for claim in state.claims:
        first = claim.controls[0].recorded if claim.controls else None
        hashed = first.evidence_hash.hex() if first is not None else None
        if claim.claim.id in shown and shown[claim.claim.id][1] == hashed and shown[claim.claim.id][0] != claim.state:
            wrong.append(f"{claim.claim.id} is published as {shown[claim.claim.id][0]} and is {claim.state}")
    return finding(len(shown), "published claims", wrong)


def _signed(document: dict[str, object], signature: str, signer: EvidenceSigner) -> bool:
    try:
        return verifies(signer.public_key, bytes.fromhex(signature), canonical(document))
    except ValueError:
        return False
