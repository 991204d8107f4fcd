"""The rules of a directory sign-in: filters, what a directory says about an account, and what groups give."""

from datetime import UTC, datetime

import pytest

from stockade.identity.ldap.directory import Directory, GroupRole, checked
from stockade.identity.ldap.rules import (
    acceptable,
    barred,
    bind_failure,
    escaped,
    filter_for,
    must_change,
    role_of,
    same_dn,
)
from stockade.kernel.problems import Invalid

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ADMINS, STAFF = "cn=admins,ou=groups,dc=example,dc=org", "cn=staff,ou=groups,dc=example,dc=org"
MAPPING = (GroupRole(STAFF, "member"), GroupRole(ADMINS, "admin"))


@pytest.mark.parametrize(("text", "value"), [
    ("ada", "ada"), ("*", "\\2a"), ("a)(uid=*", "a\\29\\28uid=\\2a"), ("\\2a", "\\5c2a"), ("\0", "\\00"),
    ("Łódź", "Łódź"),
])  # fmt: skip
def test_a_text_is_only_ever_a_value_in_a_filter(text: str, value: str) -> None:
    assert escaped(text) == value


def test_the_name_stands_wherever_the_filter_asks_for_it() -> None:
    assert filter_for("(|(uid={username})(mail={username}))", "a*") == "(|(uid=a\\2a)(mail=a\\2a))"


@pytest.mark.parametrize("username", ["", "a" * 257, "a\nb", "a\0", "\x7f"])
def test_what_can_be_no_name_is_not_asked_for(username: str) -> None:
    assert not acceptable(username)


@pytest.mark.parametrize(("entry", "why"), [
    ({}, None),
    ({"userAccountControl": ["512"]}, None),
    ({"userAccountControl": ["514"]}, "disabled"),
    ({"useraccountcontrol": [66050]}, "disabled"),
    ({"userAccountControl": ["nonsense"]}, "disabled"),
    ({"msDS-User-Account-Control-Computed": ["16"]}, "locked"),
    ({"msDS-User-Account-Control-Computed": ["0"]}, None),
    ({"lockoutTime": ["0"]}, None),
    ({"lockoutTime": ["133000000000000000"]}, "locked"),
    ({"pwdAccountLockedTime": ["20260301000000Z"]}, "locked"),
    ({"nsAccountLock": ["TRUE"]}, "disabled"),
    ({"nsAccountLock": [False]}, None),
    ({"nsAccountLock": [True]}, "disabled"),
    ({"loginDisabled": ["true"]}, "disabled"),
    ({"accountExpires": ["0"]}, None),
    ({"accountExpires": ["9223372036854775807"]}, None),
    ({"accountExpires": ["130000000000000000"]}, "disabled"),
    ({"accountExpires": ["140000000000000000"]}, None),
    ({"accountExpires": ["soon"]}, "disabled"),
])  # fmt: skip
def test_what_a_directory_holds_against_an_account(entry: dict[str, list[object]], why: str | None) -> None:
    assert barred(entry, NOW) == why


def test_a_password_that_somebody_else_set_is_to_be_changed() -> None:
    assert must_change({"pwdReset": ["TRUE"]})
    assert not must_change({"pwdReset": ["FALSE"]})
    assert not must_change({})


@pytest.mark.parametrize(("code", "failure"), [
    ("52e", "password"), ("525", "password"), ("532", "expired"), ("773", "expired"), ("533", "disabled"),
    ("701", "disabled"), ("775", "locked"), ("fff", "password"),
])  # fmt: skip
def test_the_sub_codes_of_active_directory(code: str, failure: str) -> None:
    message = f"80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {code}, v4563"
    assert bind_failure(message) == failure


def test_another_directorys_refusal_is_a_wrong_password() -> None:
    assert bind_failure("Invalid credentials.") == "password"


def test_the_highest_role_of_the_groups_counts() -> None:
    assert role_of([STAFF, ADMINS], MAPPING, None) == "admin"
    assert role_of([STAFF], MAPPING, None) == "member"
    assert role_of([], MAPPING, "viewer") == "viewer"
    assert role_of([], MAPPING, None) is None


def test_a_group_of_the_same_name_elsewhere_gives_nothing() -> None:
    assert role_of(["cn=admins,ou=projects,dc=example,dc=org"], MAPPING, None) is None


def test_names_are_compared_without_case_and_spaces() -> None:
    assert same_dn("CN=Admins, OU=Groups , DC=example,DC=org") == same_dn("cn=admins,ou=groups,dc=example,dc=org")
    assert same_dn("cn=a\\, b,dc=x") != same_dn("cn=a,b,dc=x")


@pytest.mark.parametrize(("fields", "field"), [
    ({"user_filter": "(uid=ada)"}, "user_filter"), ({"user_filter": "(uid={username}"}, "user_filter"),
    ({"ca_pem": "hello"}, "ca_pem"),
])  # fmt: skip
def test_a_configuration_that_cannot_work_is_refused_at_its_field(fields: dict[str, str], field: str) -> None:
    base = {
        "host": "ldap.example.org",
        "bind_dn": "cn=x",
        "bind_password": "y",
        "user_base": "dc=x",
        "group_base": "dc=x",
    }
    with pytest.raises(Invalid) as refused:
        checked(Directory(**(base | fields)))  # type: ignore[arg-type]
    assert refused.value.members["errors"][0]["field"] == field


def test_a_configuration_never_shows_its_password() -> None:
    config = Directory(
        host="ldap.example.org", bind_dn="cn=x", bind_password="hidden", user_base="dc=x", group_base="dc=x"
    )
    assert "hidden" not in repr(config)
    assert "hidden" not in str(config)
