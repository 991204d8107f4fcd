"""Signing in by a real directory: OpenLDAP's slapd over LDAPS and StartTLS, with people in every state."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest
from tests.peers.slapd import GROUPS, PASSWORD, PEOPLE, directory_server, missing, plain_port_of

from stockade.identity.ldap import connecting, rules, signing_in
from stockade.identity.ldap.directory import (
    Directory,
    DirectoryMisconfigured,
    DirectoryPasswordExpired,
    DirectoryRefused,
    DirectoryUnreachable,
)
from stockade.identity.ldap.examining import STEP_LABELS, examine
from stockade.identity.ldap.rules import role_of
from stockade.identity.ldap.signing_in import sign_in
from stockade.web.certificates import ensure_local_certificate

_REASON = missing() or ("" if find_spec("bonsai") else "bonsai is not installed (the extra ldap)")
pytestmark = pytest.mark.skipif(bool(_REASON), reason=_REASON or "it is installed")
ABOVE = tuple(f"cn={name},{GROUPS}" for name in ("circle", "everybody", "sellers", "staff"))


def changed(config: Directory, **fields: object) -> Directory:
    return msgspec.structs.replace(config, **fields)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("slapd")


@pytest.fixture(scope="session")
def ldaps(folder: Path) -> Iterator[Directory]:
    with directory_server(folder) as config:
        yield config


@pytest.fixture
def starttls(ldaps: Directory, folder: Path) -> Directory:
    return changed(ldaps, security="starttls", port=plain_port_of(folder))


async def refusal(config: Directory, username: str, password: str = PASSWORD) -> str:
    with pytest.raises(DirectoryRefused) as refused:
        await sign_in(config, username=username, password=password)
    assert refused.value.document() == DirectoryRefused(reason="unknown").document()
    return refused.value.reason


@pytest.mark.parametrize("username", ["ada", " Ada@example.org ", "ADA"])
async def test_a_person_signs_in_over_ldaps_by_name_or_address(ldaps: Directory, username: str) -> None:
    person = await sign_in(ldaps, username=username, password=PASSWORD)
    assert (person.email, person.name, person.dn) == ("ada@example.org", "Ada Example", f"uid=ada,{PEOPLE}")


async def test_a_person_signs_in_over_starttls(starttls: Directory) -> None:
    assert (await sign_in(starttls, username="ada", password=PASSWORD)).email == "ada@example.org"


@pytest.mark.parametrize("nesting", ["member", "member_of"])
async def test_groups_in_groups_are_found_and_a_circle_ends(ldaps: Directory, nesting: str) -> None:
    person = await sign_in(changed(ldaps, nesting=nesting), username="ada", password=PASSWORD)
    assert person.groups == ABOVE
    assert role_of(person.groups, ldaps.roles, None) == "member"


async def test_groups_are_followed_no_deeper_than_configured(ldaps: Directory) -> None:
    person = await sign_in(changed(ldaps, nesting_depth=1), username="ada", password=PASSWORD)
    assert person.groups == (f"cn=sellers,{GROUPS}",)


async def test_the_rule_of_active_directory_is_asked_as_a_filter_that_the_server_reads(ldaps: Directory) -> None:
    # slapd does not know Microsoft's rule and finds nobody by it; it would refuse a filter that is none.
    person = await sign_in(changed(ldaps, nesting="active_directory"), username="ada", password=PASSWORD)
    assert person.groups == ()


async def test_whoever_is_in_no_group_has_no_role(ldaps: Directory) -> None:
    person = await sign_in(ldaps, username="grace@example.org", password=PASSWORD)
    assert (person.groups, role_of(person.groups, ldaps.roles, None)) == ((), None)


async def test_wrong_password_and_unknown_name_are_refused_in_the_same_words(ldaps: Directory) -> None:
    assert await refusal(ldaps, "ada", "wrong") == "password"
    assert await refusal(ldaps, "no-such-person") == "unknown"


async def test_an_empty_password_never_reaches_the_directory(ldaps: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_in, "service", lambda _config: pytest.fail("the directory was asked"))
    assert await refusal(ldaps, "ada", "") == "empty"
    assert await refusal(ldaps, "ada", "\0") == "malformed"


@pytest.mark.parametrize(
    ("username", "reason"),
    [
        ("disabled", "disabled"), ("barred", "disabled"), ("leaver", "disabled"), ("lockedout", "locked"),
        ("suspended", "locked"),
    ],
)  # fmt: skip
async def test_a_disabled_or_locked_account_is_refused_with_the_right_password(
    ldaps: Directory, username: str, reason: str
) -> None:
    assert await refusal(ldaps, username) == reason
    assert await refusal(ldaps, username, "wrong") in {"password", "locked"}


async def test_without_the_look_at_the_state_a_disabled_account_would_sign_in(
    ldaps: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_in, "barred", lambda _entry, _moment: None)
    for username in ("disabled", "barred", "leaver", "lockedout"):
        assert await sign_in(ldaps, username=username, password=PASSWORD)


async def test_an_enabled_account_signs_in(ldaps: Directory) -> None:
    assert (await sign_in(ldaps, username="enabled", password=PASSWORD)).email == "shared@example.org"


async def test_after_the_directorys_own_lockout_the_right_password_is_refused(ldaps: Directory) -> None:
    for _ in range(3):
        await refusal(ldaps, "guessed", "wrong")
    assert await refusal(ldaps, "guessed") in {"password", "locked"}


@pytest.mark.parametrize("username", ["expired", "mustchange"])
async def test_an_expired_password_is_told_only_to_whoever_knows_it(ldaps: Directory, username: str) -> None:
    with pytest.raises(DirectoryPasswordExpired):
        await sign_in(ldaps, username=username, password=PASSWORD)
    assert await refusal(ldaps, username, "wrong") == "password"


async def test_a_name_that_two_entries_answer_to_is_refused(ldaps: Directory) -> None:
    assert await refusal(ldaps, "shared@example.org") == "ambiguous"


INJECTED = ["*", "ad*", "ada)(uid=*", "*)(objectClass=*", "ada)(|(uid=*", "*))(|(uid=ada", "ada\\2a", "x)(mail=ada@*"]


@pytest.mark.parametrize("username", INJECTED)
async def test_a_name_that_is_a_filter_finds_nobody(ldaps: Directory, username: str) -> None:
    assert await refusal(ldaps, username) == "unknown"


async def test_without_escaping_a_name_that_is_a_filter_signs_in_as_somebody(
    ldaps: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "escaped", lambda text: text)
    assert (await sign_in(ldaps, username="ad*", password=PASSWORD)).email == "ada@example.org"


async def test_a_certificate_of_another_authority_is_refused(
    ldaps: Directory, starttls: Directory, tmp_path: Path
) -> None:
    other = ensure_local_certificate(tmp_path / "other", []).authority.read_text()
    for config in (ldaps, starttls):
        with pytest.raises(DirectoryUnreachable):
            await sign_in(changed(config, ca_pem=other), username="ada", password=PASSWORD)
        with pytest.raises(DirectoryUnreachable):
            await sign_in(changed(config, ca_pem=None), username="ada", password=PASSWORD)


async def test_a_certificate_of_another_name_is_refused(ldaps: Directory) -> None:
    with pytest.raises(DirectoryUnreachable):
        await sign_in(changed(ldaps, host="127.0.0.2"), username="ada", password=PASSWORD)


async def test_where_starttls_is_stripped_no_password_is_sent(ldaps: Directory) -> None:
    heard = bytearray()

    def answer_that_there_is_no_tls() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(3)
            try:
                while data := connection.recv(4096):
                    heard.extend(data)
                    # ExtendedResponse: protocolError (RFC 4511 section 4.12), as a man in the middle would say.
                    connection.sendall(bytes.fromhex("300c020101780 70a0102 0400 0400".replace(" ", "")))
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_that_there_is_no_tls)
        thread.start()
        config = changed(ldaps, security="starttls", port=listener.getsockname()[1])
        with pytest.raises((DirectoryUnreachable, DirectoryMisconfigured)):
            await sign_in(config, username="ada", password=PASSWORD)
        thread.join()
    assert b"1.3.6.1.4.1.1466.20037" in heard
    assert config.bind_password.encode() not in heard


async def test_what_is_slipped_in_behind_the_answer_to_starttls_ends_the_connection(ldaps: Directory) -> None:
    heard = bytearray()
    agreed = bytes.fromhex("300c02010178070a010004000400")
    forged_bind_success = bytes.fromhex("300c02010161070a010004000400")

    def agree_and_slip_in_more() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(3)
            try:
                heard.extend(connection.recv(4096))
                connection.sendall(agreed + forged_bind_success)
                while data := connection.recv(4096):
                    heard.extend(data)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=agree_and_slip_in_more)
        thread.start()
        config = changed(ldaps, security="starttls", port=listener.getsockname()[1])
        with pytest.raises(DirectoryUnreachable, match="does not speak TLS"):
            await sign_in(config, username="ada", password=PASSWORD)
        thread.join()
    assert config.bind_password.encode() not in heard


@pytest.mark.parametrize("security", ["ldaps", "starttls"])
async def test_a_directory_that_never_answers_ends_in_time_and_holds_nobody_up(ldaps: Directory, security: str) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.05)
            ticks += 1

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = changed(ldaps, port=listener.getsockname()[1], timeout_seconds=0.5, security=security)
        others = asyncio.create_task(tick())
        began = time.monotonic()
        with pytest.raises(DirectoryUnreachable):
            await sign_in(config, username="ada", password=PASSWORD)
        took = time.monotonic() - began
        others.cancel()
    assert took < 3
    assert ticks >= 5


async def test_a_directory_that_falls_silent_behind_tls_ends_in_time_and_holds_nobody_up(
    ldaps: Directory, folder: Path
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.05)
            ticks += 1

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls" / "server.crt", folder / "tls" / "server.key")
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0, ssl=context)
    others = asyncio.create_task(tick())
    config = changed(ldaps, port=server.sockets[0].getsockname()[1], timeout_seconds=0.5)
    began = time.monotonic()
    with pytest.raises(DirectoryUnreachable):
        await sign_in(config, username="ada", password=PASSWORD)
    assert time.monotonic() - began < 3
    assert ticks >= 5
    others.cancel()
    server.close()


async def test_a_wrong_service_password_is_a_fault_of_the_configuration(ldaps: Directory) -> None:
    with pytest.raises(DirectoryMisconfigured):
        await sign_in(changed(ldaps, bind_password="wrong"), username="ada", password=PASSWORD)


async def test_without_the_library_one_sentence_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_name: str) -> object:
        raise ImportError

    monkeypatch.setattr(connecting.importlib, "import_module", absent)
    with pytest.raises(connecting.DirectoryLibraryMissing, match="bonsai"):
        connecting.library()


async def test_the_examination_of_a_good_configuration_explains_every_step(ldaps: Directory) -> None:
    steps = await examine(ldaps, username="ada")
    assert [step.name for step in steps] == list(STEP_LABELS)
    assert all(step.works for step in steps), steps
    assert "role member" in steps[-1].text


@pytest.mark.parametrize(
    ("fields", "fails_at", "says"),
    [
        ({"user_filter": "(uid=*)"}, "configuration", "{username}"),
        ({"host": "127.0.0.2"}, "encryption", "IP address mismatch"),
        ({"ca_pem": None}, "encryption", "certificate"),
        ({"port": 1}, "encryption", "Nothing answers"),
        ({"bind_password": "wrong"}, "service_account", "service account"),
        ({"user_base": "ou=nowhere,dc=example,dc=org"}, "people", "ou=nowhere"),
        ({"group_base": PEOPLE}, "groups", "sees none"),
        ({"roles": ()}, "person", "no group that gives a role"),
    ],
)
async def test_the_examination_stops_at_the_step_that_fails_and_says_why(
    ldaps: Directory, fields: dict[str, object], fails_at: str, says: str
) -> None:
    *before, last = await examine(changed(ldaps, **fields), username="ada")
    assert all(step.works for step in before)
    assert (last.name, last.works) == (fails_at, False)
    assert says in last.text


@pytest.mark.parametrize(
    ("username", "says"),
    [("shared@example.org", "More than one"), ("disabled", "disabled"), ("nobody", "No entry")],
)
async def test_the_examination_says_why_a_person_may_not_sign_in(ldaps: Directory, username: str, says: str) -> None:
    last = (await examine(ldaps, username=username))[-1]
    assert (last.name, last.works) == ("person", False)
    assert says in last.text
