"""Settings: the environment over the file, and one sentence for a wrong one."""

from pathlib import Path

import pytest

from stockade.kernel.problems import Refusal
from stockade.kernel.settings import load_settings


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "stockade.toml").write_text('port = 9000\nworkers = 3\nnames = ["a.example"]\n')
    found = load_settings({"STOCKADE_HOME": str(tmp_path), "STOCKADE_PORT": "9443"})
    assert (found.port, found.workers, found.names, found.http_port) == (9443, 3, ("a.example",), 9080)


def test_database_url_keeps_its_usual_name(tmp_path: Path) -> None:
    found = load_settings({"STOCKADE_HOME": str(tmp_path), "DATABASE_URL": "postgresql://x"})
    assert found.database_url == "postgresql://x"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"STOCKADE_PORT": "http"}, "port"),
        ({"STOCKADE_PORT": "70000"}, "STOCKADE_PORT"),
        ({"STOCKADE_PROFILE": "test"}, "profile"),
        ({"STOCKADE_WORKERS": "0"}, "STOCKADE_WORKERS"),
        ({"STOCKADE_CORS_ORIGINS": "*"}, "wildcard"),
        ({"STOCKADE_CERTIFICATE": "/x.pem"}, "STOCKADE_CERTIFICATE_KEY"),
        ({"STOCKADE_CONFIG": "/nowhere.toml"}, "/nowhere.toml"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, given: dict[str, str], word: str) -> None:
    with pytest.raises(Refusal, match=word):
        load_settings({"STOCKADE_HOME": str(tmp_path)} | given)


@pytest.mark.parametrize("text", ["port = ", "unknown_setting = 1"])
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "stockade.toml").write_text(text)
    with pytest.raises(Refusal):
        load_settings({"STOCKADE_HOME": str(tmp_path)})
