"""People brought along by the command line: what a file may hold, and what is said of one that holds something else."""

from pathlib import Path

import pytest

from stockade.apps.cli.people import _people_of
from stockade.kernel.problems import Refusal


def written(folder: Path, text: str | bytes) -> Path:
    """A file."""
    path = folder / "people.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_is_read_with_and_without_hashes(tmp_path: Path) -> None:
    text = "email,name,role,password_hash\na@x.example,Ada,owner,$2b$12$abc\nb@x.example,Bo,viewer,\n"
    first, second = _people_of(written(tmp_path, b"\xef\xbb\xbf" + text.encode()))
    assert (first.email, first.name, first.place.role, first.password_hash) == (
        "a@x.example", "Ada", "owner", "$2b$12$abc",
    )  # fmt: skip
    assert second.password_hash is None


@pytest.mark.parametrize(
    "text",
    [
        "email,name,role\na@x.example,Ada,chief\n", "email,name\na@x.example,Ada\n",
        "email,name,role\nnobody,Ada,owner\n",
        "email,name,role\na@x.example,,owner\n", b"\xff\xfe\x00", 'email,name,role\n"a@x.example,Ada,owner\n',
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused_as_a_whole_and_names_no_hash(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(Refusal) as refused:
        _people_of(written(tmp_path, text))
    assert "people.csv" in str(refused.value)
