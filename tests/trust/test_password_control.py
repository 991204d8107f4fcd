"""The control of passwords holds on the application as it is, and turns red when a defence is taken away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from tests.trust.listening import listening

from stockade.identity.passwords import controls, hashing
from stockade.identity.service import sign_in
from stockade.kernel import logging
from stockade.kernel.control import CONTROLS, Finding
from stockade.kernel.ids import new_id
from stockade.trust.collect import collect

collect()
NAME = "identity.passwords-kept-as-argon2id"
LIMITS = {"address_requests_per_minute": 600, "sign_in_attempts_per_minute": 10}
GOOD = "$argon2id$v=19$m=65536,t=3,p=4$" + "A" * 22 + "$" + "B" * 43


@pytest.fixture
def found(server: Any, database_name: str, tmp_path: Path, superuser: Any) -> Callable[[], Any]:
    """Run the control on an application that listens, twice: it holds on what its first run left, too."""

    async def run() -> Finding:
        await superuser.execute("delete from identity.throttle")  # what the broken runs before it have earned
        async with listening(server, database_name, tmp_path, **LIMITS) as live:
            await CONTROLS[NAME].check(live)
            return await CONTROLS[NAME].check(live)

    return run


@pytest.fixture(autouse=True)
async def alone(superuser: Any) -> None:
    """Take the hashes away that other tests have left, the same one for many."""
    await superuser.execute("update identity.account set password_hash = null where password_hash is not null")
    await superuser.execute("delete from identity.imported_password")


async def with_hashes(superuser: Any, *hashes: str) -> list[Any]:
    """Give accounts of nobody some hashes; return their ids."""
    made = [new_id() for _ in hashes]
    for account_id, hashed in zip(made, hashes, strict=True):
        await superuser.execute(
            "insert into identity.account (id, email, name, password_hash, state) values ($1, $2, 'X', $3, 'active')",
            account_id, f"{account_id.hex}@example.com", hashed,
        )  # fmt: skip
    return made


async def test_the_control_holds(found: Callable[[], Any]) -> None:
    finding = await found()
    assert finding.holds, finding


async def test_it_leaves_no_password_behind(found: Callable[[], Any], superuser: Any) -> None:
    await found()
    assert (
        await superuser.fetchval(
            "select count(*) from identity.imported_password i join identity.account a on a.id = i.account_id "
            "where a.email like 'passwords-%@stockade.invalid'"
        )
        == 0
    )


@pytest.mark.parametrize(
    ("hashes", "word"),
    [
        (["5f4dcc3b5aa765d61d8327deb882cf99"], "1 stored hashes are of no known form"),
        (["correct horse battery staple"], "1 stored hashes are of no known form"),
        (["$2b$12$" + "a" * 53], "1 stored hashes are of no known form"),
        ([GOOD.replace("m=65536", "m=1024")], "1 stored hashes are cheaper than m=65536, t=3, p=4"),
        ([GOOD, GOOD], "1 stored hashes have another one's salt"),
    ],
)
async def test_a_hash_that_is_not_as_promised_turns_it_red(
    found: Callable[[], Any], superuser: Any, hashes: list[str], word: str
) -> None:
    made = await with_hashes(superuser, *hashes)
    try:
        finding = await found()
    finally:
        await superuser.execute("delete from identity.account where id = any($1)", made)
    assert not finding.holds
    assert finding.details == (word,)


async def test_without_the_upgrade_it_is_red(found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = "select ($1::uuid, $2::text, $3::text) is not null"
    monkeypatch.setattr(sign_in, "_UPGRADE_IMPORTED", nothing)
    finding = await found()
    assert finding.details == ("a bcrypt hash is kept after it was used",)


async def test_with_a_hasher_that_is_too_cheap_it_is_red(
    found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, superuser: Any
) -> None:
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),))
    monkeypatch.setattr(hashing, "_HASHER", cheap)
    await with_hashes(superuser, hashed := await hashing.hash_password("correct horse"))
    try:
        assert "1 stored hashes are cheaper than m=65536, t=3, p=4" in (await found()).details
    finally:
        await superuser.execute("delete from identity.account where password_hash = $1", hashed)


async def test_without_the_verification_it_is_red(found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "verify_foreign", lambda _password, _stored: True)
    assert "a wrong password is accepted for a bcrypt hash" in (await found()).details


async def test_without_bcrypt_it_is_red(found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "verify_foreign", lambda _password, _stored: False)
    assert (await found()).details == ("the password of a bcrypt hash is refused",)


async def test_without_the_redaction_it_is_red(found: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "redact", lambda _logger, _method, event: event)
    assert (await found()).details == ("a password or its hash is logged",)
    assert controls._breaches_of_log()
