"""The sign-in policy: which ways in count, and what is demanded of passkeys and second factors."""

from typing import Literal

import msgspec

from stockade.access.factors import READ_POLICY, SET_POLICY
from stockade.apps.admin.forms import Form, submitted
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown
from stockade.identity.factors.policy import Models, Policy, Roots, read_policy, save_policy
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction

ADDRESS = "/settings/sign-in"
TOLD = {"saved": N_("The sign-in policy is saved. It holds from the next sign-in on.")}
ATTESTATIONS = {"none": N_("Passkeys of any kind"), "direct": N_("Only passkeys whose maker is proved")}
CLONED = {"revoke": N_("Revoke it"), "refuse": N_("Refuse this sign-in only")}


class PolicyForm(msgspec.Struct, frozen=True, kw_only=True):
    """The policy as the form sends it."""

    second_factor_required: bool = False
    passwords_allowed: bool = False
    attestation: Literal["none", "direct"]
    attestation_roots: Roots = ""
    aaguids: Models = []
    cloned: Literal["refuse", "revoke"]
    expected_version: int


@page(ADDRESS, permission=READ_POLICY)
async def show_sign_in_policy(tx: Transaction, request: AnyRequest) -> Shown:
    """What is demanded of whoever signs in."""
    return await _policy_page(tx, request)


@form(ADDRESS, permission=SET_POLICY)
async def take_sign_in_policy(request: AnyRequest, fields: Fields) -> Shown | str:
    """Save what is demanded."""

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _policy_page(tx, request, typed)

    async def save(tx: Transaction, given: PolicyForm) -> Policy:
        wanted = msgspec.structs.asdict(given)
        return await save_policy(tx, Policy(version=wanted.pop("expected_version"), **wanted))

    return await submitted(request, fields, PolicyForm, save, again=again, then=f"{ADDRESS}?done=saved")


async def _policy_page(tx: Transaction, request: AnyRequest, typed: Form | None = None) -> Shown:
    policy = await read_policy(tx)
    held = Form.of(policy, aaguids="\n".join(str(model) for model in policy.aaguids))
    return Shown("settings/sign_in.html", {
        "policy": policy, "form": typed or held, "attestations": ATTESTATIONS, "cloned": CLONED,
        "told": TOLD.get(request.query_params.get("done", "")),
    })  # fmt: skip


ROUTES = (show_sign_in_policy, take_sign_in_policy)
