"""Forged requests are refused, ours are not; cookies cannot be planted or broken out of."""

import pytest

from stockade.web.cookies import deleted_cookie, read_cookie, session_cookie
from stockade.web.csrf import Csrf, CsrfRejected

OURS = [(b"host", b"localhost:8443"), (b"origin", b"https://localhost:8443"), (b"sec-fetch-site", b"same-origin")]
SESSION = "se_of-ada"


@pytest.fixture
def csrf() -> Csrf:
    return Csrf(bytes(32))


def refused(csrf: Csrf, headers: list[tuple[bytes, bytes]], token: str | None, session: str = SESSION) -> bool:
    try:
        csrf.check(headers, token, session)
    except CsrfRejected:
        return True
    return False


def test_a_form_of_ours_is_accepted(csrf: Csrf) -> None:
    assert not refused(csrf, OURS, csrf.token(SESSION))


def test_a_form_without_a_token_is_refused(csrf: Csrf) -> None:
    assert refused(csrf, OURS, None)
    assert refused(csrf, OURS, "")


def test_the_token_of_another_session_is_refused(csrf: Csrf) -> None:
    assert refused(csrf, OURS, csrf.token("se_of-eve"))


def test_a_token_under_another_key_is_refused(csrf: Csrf) -> None:
    assert refused(csrf, OURS, Csrf(b"1" * 32).token(SESSION))


@pytest.mark.parametrize("place", [0, 20, 43, 60, 86])
def test_a_token_with_one_character_changed_is_refused(csrf: Csrf, place: int) -> None:
    token = csrf.token(SESSION)
    changed = "A" if token[place] != "A" else "Q"
    assert refused(csrf, OURS, token[:place] + changed + token[place + 1 :])


@pytest.mark.parametrize("token", ["x", "é" * 88, "A" * 88, "A" * 84, "A" * 100_000, "====", "\0"])
def test_what_is_no_token_is_refused_and_breaks_nothing(csrf: Csrf, token: str) -> None:
    assert refused(csrf, OURS, token)


def test_no_two_responses_carry_the_same_token(csrf: Csrf) -> None:
    assert len({csrf.token(SESSION) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"localhost"), (b"origin", b"https://evil.example")],
        [(b"host", b"localhost"), (b"origin", b"https://localhost.evil.example")],
        [(b"host", b"localhost"), (b"origin", b"http://localhost")],
        [(b"host", b"localhost"), (b"origin", b"https://localhost:9999")],
        [(b"host", b"localhost"), (b"origin", b"null")],
        [(b"host", b"localhost"), (b"sec-fetch-site", b"cross-site")],
        [(b"host", b"localhost"), (b"sec-fetch-site", b"same-site")],
        [(b"origin", b"https://localhost")],
    ],
)
def test_a_right_token_from_another_origin_is_refused(csrf: Csrf, headers: list[tuple[bytes, bytes]]) -> None:
    assert refused(csrf, headers, csrf.token(SESSION))


def test_a_client_that_names_no_origin_still_needs_the_token(csrf: Csrf) -> None:
    assert refused(csrf, [(b"host", b"localhost")], None)
    assert not refused(csrf, [(b"host", b"localhost")], csrf.token(SESSION))


def test_a_script_sends_its_token_in_a_header(csrf: Csrf) -> None:
    csrf.check_header({"headers": [*OURS, (b"x-csrf-token", csrf.token(SESSION).encode())]}, SESSION)
    with pytest.raises(CsrfRejected):
        csrf.check_header({"headers": OURS}, SESSION)


def test_a_cookie_is_host_bound_secure_and_out_of_scripts_reach() -> None:
    assert session_cookie("__Host-session", "se_x", 3600) == (
        b"set-cookie",
        b"__Host-session=se_x; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax",
    )
    assert b"SameSite=Strict" in session_cookie("__Host-session", "x", 1, same_site="Strict")[1]
    assert b"Max-Age=0" in deleted_cookie("__Host-session")[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session", "x"),
        ("__Host-a b", "x"),
        ("__Host-a", "x; Domain=example"),
        ("__Host-a", "x\r\nX: y"),
        ("__Host-a", "é"),
    ],
)
def test_a_cookie_that_could_break_out_of_its_header_is_not_made(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="__Host-"):
        session_cookie(name, value, 1)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"__Host-session=a", "a"),
        (b"x=1; __Host-session=a=b; y=2", "a=b"),
        (b"x__Host-session=evil", None),
        (b"__Host-sessionx=evil", None),
        (b"x=__Host-session", None),
        (b"__Host-session=a; __Host-session=a", "a"),
        (b"__Host-session=a; __Host-session=planted", None),
        (b"", None),
        (b"__Host-session", ""),
    ],
)
def test_one_cookie_is_read_and_a_doubled_one_is_not_believed(header: bytes, value: str | None) -> None:
    assert read_cookie(header, "__Host-session") == value
