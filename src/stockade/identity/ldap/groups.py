"""A person's groups, and the groups that those are in: each way of nesting, bounded in depth and number."""

from typing import Any

from stockade.identity.ldap.connecting import MOST_ENTRIES, found, library
from stockade.identity.ldap.directory import Directory
from stockade.identity.ldap.rules import IN_CHAIN, escaped, same_dn

_AT_ONCE = 50
"""How many groups one question names."""
_NO_ATTRIBUTES = ["1.1"]
"""RFC 4511 section 4.5.1.8: only the names of the entries."""


async def groups_of(config: Directory, connection: Any, dn: str, member_of: list[str]) -> tuple[str, ...]:
    """Return the names of every group that an entry is in, nested ones too, sorted; each once, circles included."""
    if config.nesting == "active_directory":
        chain = f"(&(objectClass=group)(member:{IN_CHAIN}:={escaped(dn)}))"
        entries = await found(config, connection, config.group_base, chain, _NO_ATTRIBUTES)
        return tuple(sorted(str(entry.dn) for entry in entries))
    if config.nesting == "member":
        return await _climbed(config, connection, await _holding(config, connection, [dn]))
    return await _climbed(config, connection, member_of)


async def _climbed(config: Directory, connection: Any, direct: list[str]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    level = direct
    for _ in range(config.nesting_depth):
        fresh = {same_dn(group): group for group in level if same_dn(group) not in seen}
        seen.update(fresh)
        if not fresh or len(seen) > MOST_ENTRIES:
            break
        above = _holding if config.nesting == "member" else _named
        level = await above(config, connection, list(fresh.values()))
    return tuple(sorted(seen.values()))


async def _holding(config: Directory, connection: Any, members: list[str]) -> list[str]:
    """Return the groups that list one of these entries (groupOfNames, groupOfUniqueNames, group)."""
    holders: list[str] = []
    for start in range(0, len(members), _AT_ONCE):
        values = [escaped(member) for member in members[start : start + _AT_ONCE]]
        either = "".join(f"(member={value})(uniqueMember={value})" for value in values)
        entries = await found(config, connection, config.group_base, f"(|{either})", _NO_ATTRIBUTES)
        holders += [str(entry.dn) for entry in entries]
    return holders


async def _named(config: Directory, connection: Any, groups: list[str]) -> list[str]:
    """Return the groups that these groups say they are in."""
    bonsai = library()
    above: list[str] = []
    for group in groups:
        try:
            entries = await connection.search(
                group, bonsai.LDAPSearchScope.BASE, "(objectClass=*)", ["memberOf"], timeout=config.timeout_seconds
            )
        except (bonsai.NoSuchObjectError, bonsai.InvalidDN):
            continue
        above += [str(value) for entry in entries for value in entry.get("memberOf", ())]
    return above
