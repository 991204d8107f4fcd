"""Examining: every step of a sign-in by a directory, tried one after the other and explained."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

from stockade.identity.ldap.connecting import answered, found, library, service
from stockade.identity.ldap.directory import Directory, DirectoryRefused, checked
from stockade.identity.ldap.rules import role_of
from stockade.identity.ldap.signing_in import described, find_entry
from stockade.identity.ldap.tunnel import tunnel
from stockade.kernel.problems import Problem
from stockade.kernel.words import N_, said

StepName = Literal["library", "configuration", "encryption", "service_account", "people", "groups", "person"]
STEP_LABELS: dict[StepName, str] = {
    "library": N_("The LDAP library is installed"),
    "configuration": N_("The configuration can work"),
    "encryption": N_("The directory answers over TLS with a certificate to be trusted"),
    "service_account": N_("The service account is let in"),
    "people": N_("People are found"),
    "groups": N_("Groups are found"),
    "person": N_("The person who was named may sign in"),
}
_REASONS = {
    "unknown": N_("No entry answers to this name: look at the filter and the base of people."),
    "ambiguous": N_("More than one entry answers to this name: make the filter narrower."),
    "disabled": N_("This account is disabled in the directory."),
    "locked": N_("This account is locked in the directory."),
    "incomplete": N_("This entry has no e-mail address in the attribute that is configured."),
}


class Step(msgspec.Struct, frozen=True):
    """One step: whether it worked, what was seen, and how long it took. What comes after a failure is not tried."""

    name: StepName
    works: bool
    text: str
    milliseconds: int = 0


async def examine(config: Directory, *, username: str | None = None) -> list[Step]:
    """Try a configuration step by step, up to the first that fails. A person who is named is found and described,
    without a password: nobody signs in."""
    steps: list[Step] = []
    for name, attempt in _ATTEMPTS:
        if name == "person" and not username:
            continue
        began = time.monotonic()
        try:
            works, text = await attempt(config, username or "")
        except DirectoryRefused as refused:
            works, text = False, _REASONS.get(refused.reason, refused.title)
        except Problem as problem:
            works, text = False, problem.detail or problem.title
        steps.append(Step(name, works, text, round((time.monotonic() - began) * 1000)))
        if not works:
            break
    return steps


async def _library(_config: Directory, _username: str) -> tuple[bool, str]:
    return True, said("Version {version}", version=library().__version__)


async def _configuration(config: Directory, _username: str) -> tuple[bool, str]:
    checked(config)
    return True, said("People below {people}, groups below {groups}", people=config.user_base, groups=config.group_base)


async def _encryption(config: Directory, _username: str) -> tuple[bool, str]:
    async with tunnel(config):
        return True, said("{host}, port {port}", host=config.host, port=config.port)


async def _service_account(config: Directory, _username: str) -> tuple[bool, str]:
    async with answered(config), service(config):
        return True, said("Bound as {dn}", dn=config.bind_dn)


async def _people(config: Directory, _username: str) -> tuple[bool, str]:
    return await _counted(config, config.user_base, f"({config.email_attribute}=*)", "people")


async def _groups(config: Directory, _username: str) -> tuple[bool, str]:
    any_group = "(|(objectClass=group)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))"
    return await _counted(config, config.group_base, any_group, "groups")


async def _counted(config: Directory, base: str, wanted: str, what: str) -> tuple[bool, str]:
    async with answered(config), service(config) as connection:
        try:
            count = len(await found(config, connection, base, wanted, ["1.1"]))
        except library().errors.SizeLimitError:
            return True, said("There are more than the directory counts for us.")
    if count == 0:
        return False, said("The service account sees none of them below {base}.", base=base)
    if what == "people":
        return True, said("{count} entries with an e-mail address", count=count)
    return True, said("{count} groups", count=count)


async def _person(config: Directory, username: str) -> tuple[bool, str]:
    async with answered(config), service(config) as connection:
        entry: Any = await find_entry(config, connection, username)
        if entry is None:
            raise DirectoryRefused(reason="unknown")
        person = await described(config, connection, str(entry.dn))
    role = role_of(person.groups, config.roles, config.default_role)
    groups = "; ".join(person.groups) or "-"
    if role is None:
        return False, said("{dn} ({email}) is in no group that gives a role. Groups: {groups}", dn=person.dn,
                           email=person.email, groups=groups)  # fmt: skip
    return True, said("{dn} ({email}) gets the role {role}. Groups: {groups}", dn=person.dn, email=person.email,
                      role=role, groups=groups)  # fmt: skip


_ATTEMPTS: tuple[tuple[StepName, Callable[[Directory, str], Awaitable[tuple[bool, str]]]], ...] = (
    ("library", _library),
    ("configuration", _configuration),
    ("encryption", _encryption),
    ("service_account", _service_account),
    ("people", _people),
    ("groups", _groups),
    ("person", _person),
)
