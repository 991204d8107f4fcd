"""Which passwords are refused, with which words; and the list of leaked ones."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from stockade.identity.passwords.breached import is_breached
from stockade.identity.passwords.strength import require_strong, weakness_of
from stockade.kernel.problems import Invalid, Refusal
from stockade.kernel.settings import load_settings

GOOD = "correct horse battery staple"


def sha1(text: str) -> str:
    """The SHA-1 of a text as the lists write it."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.mark.parametrize(
    "password", [GOOD, "pies kot słoń wieloryb", "vT9#qLz2!mXw", "x9Kq" * 1 + "uLw7ZpR2" + "m" * 900]
)
async def test_a_password_that_is_hard_to_guess_is_taken(password: str) -> None:
    await require_strong(password, ("Ada Lovelace", "ada@example.com"))


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("short", "12"), ("x" * 1025, "1024"), ("password1234", "many people"), ("qwertyuiop12", "many people"),
        ("aaaaaaaaaaaaaa", "repeats"), ("abcdefghijklmn", "row"), ("zaq1xsw2cde3", "guess"), ("24.12.1998 ..", "guess"),
        ("stockadestockade", "guess"),
    ],
)  # fmt: skip
async def test_a_password_that_is_easy_to_guess_is_refused_with_a_sentence(password: str, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        await require_strong(password)
    assert refused.value.members["errors"][0]["field"] == "password"
    if word != "guess":
        assert word in refused.value.detail
    assert password not in refused.value.detail


@pytest.mark.parametrize(
    "about", [("Zbigniew Wojciechowicz",), ("z.wojciechowicz@przyklad.pl",), ("Wojciechowicz GmbH",)]
)
async def test_what_is_known_about_the_person_counts_as_guessed(about: tuple[str, ...]) -> None:
    password = "wojciechowicz7"
    assert weakness_of(password) is None
    with pytest.raises(Invalid, match="known about you"):
        await require_strong(password, about)


async def test_the_words_about_one_person_do_not_count_for_another_one_at_the_same_time() -> None:
    async def theirs(number: int) -> None:
        about = ("Zbigniew Wojciechowicz",) if number % 2 else ()
        if number % 2:
            with pytest.raises(Invalid):
                await require_strong("wojciechowicz7", about)
        else:
            await require_strong("wojciechowicz7", about)

    await asyncio.gather(*(theirs(number) for number in range(12)))


@pytest.fixture(params=["with counts", "bare", "no last break", "CRLF", "lower case"])
def leaked(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, list[str]]:
    """A list of 1,000 leaked passwords in the forms that the lists come in, and the passwords in its order."""
    passwords = sorted((f"leaked {number}" for number in range(1000)), key=sha1)
    lines = [f"{sha1(item)}:{len(item) * 7}" if request.param == "with counts" else sha1(item) for item in passwords]
    text = ("\r\n" if request.param == "CRLF" else "\n").join(lines)
    path = tmp_path / "leaked.txt"
    path.write_bytes((text.lower() if request.param == "lower case" else text).encode())
    if request.param != "no last break":
        path.write_bytes(path.read_bytes() + b"\n")
    return path, passwords


def test_every_line_of_the_list_is_found_the_first_and_the_last_too(leaked: tuple[Path, list[str]]) -> None:
    path, passwords = leaked
    assert all(is_breached(path, item) for item in (passwords[0], passwords[-1], *passwords))
    assert not any(is_breached(path, f"another {number}") for number in range(500))


def test_a_list_of_one_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text(sha1(GOOD))
    assert is_breached(path, GOOD)
    assert not is_breached(path, GOOD + ".")


async def test_a_leaked_password_is_refused_however_strong_it_is(tmp_path: Path) -> None:
    path = tmp_path / "leaked.txt"
    path.write_text(f"{sha1(GOOD)}:3\n")
    with pytest.raises(Invalid, match="leak"):
        await require_strong(GOOD, breached=path)
    await require_strong(GOOD)


async def test_a_list_that_is_not_there_lets_no_password_through(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="cannot be read"):
        await require_strong(GOOD, breached=tmp_path / "nowhere.txt")
    (tmp_path / "empty.txt").touch()
    with pytest.raises(Refusal, match="cannot be read"):
        await require_strong(GOOD, breached=tmp_path / "empty.txt")


def test_an_installation_does_not_start_without_the_list_that_it_was_given(tmp_path: Path) -> None:
    given = {"STOCKADE_HOME": str(tmp_path), "STOCKADE_BREACHED_PASSWORDS": str(tmp_path / "nowhere.txt")}
    with pytest.raises(Refusal, match="STOCKADE_BREACHED_PASSWORDS"):
        load_settings(given)
    (tmp_path / "nowhere.txt").write_text(sha1(GOOD))
    assert load_settings(given).breached_passwords == tmp_path / "nowhere.txt"
