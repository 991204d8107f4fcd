"""The relay that settings name: its address, its TLS, and what cannot be used."""

from pathlib import Path

import pytest

from stockade.kernel.problems import Refusal
from stockade.kernel.settings import Settings
from stockade.mail.relay import relay_of


def of(url: str | None, *, sender: str | None = "post@stockade.example", without_tls: bool = False) -> object:
    settings = Settings(home=Path("/nowhere"), smtp_url=url, mail_from=sender, smtp_without_tls=without_tls)
    return relay_of(settings)


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, "starttls"),
        ("smtps://ada:p%40ss@mail.example.com", "mail.example.com", 465, "start"),
        ("smtp://mail.example.com:2525", "mail.example.com", 2525, "starttls"),
        ("smtp://127.0.0.1:25", "127.0.0.1", 25, "none"),
        ("smtp://localhost", "localhost", 587, "none"),
    ],
)
def test_a_relay_speaks_tls_unless_it_is_this_machine(url: str, host: str, port: int, tls: str) -> None:
    relay = relay_of(Settings(home=Path("/nowhere"), smtp_url=url, mail_from="post@stockade.example"))
    assert relay is not None
    assert (relay.host, relay.port, relay.tls) == (host, port, tls)


def test_a_relay_without_tls_elsewhere_is_only_there_on_order() -> None:
    settings = Settings(
        home=Path("/nowhere"), smtp_url="smtp://mail.lan", mail_from="post@stockade.example", smtp_without_tls=True
    )
    relay = relay_of(settings)
    assert relay is not None
    assert relay.tls == "none"


def test_a_password_is_unquoted_and_never_represented() -> None:
    settings = Settings(home=Path("/nowhere"), smtp_url="smtps://ada:p%40ss@m.example", mail_from="a@b.example")
    relay = relay_of(settings)
    assert relay is not None
    assert relay.password == "p@ss"
    assert "p@ss" not in repr(relay)


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://m:99999", "smtp://m/x"]
)
def test_an_address_that_names_no_relay_is_refused(url: str) -> None:
    with pytest.raises(Refusal, match="STOCKADE_SMTP_URL"):
        of(url)


@pytest.mark.parametrize("sender", [None, "nobody", "a@b.example\nBcc: c@d.example"])
def test_a_relay_needs_an_address_that_letters_come_from(sender: str | None) -> None:
    with pytest.raises(Refusal, match="STOCKADE_MAIL_FROM"):
        of("smtp://mail.example.com", sender=sender)


def test_without_settings_there_is_no_relay() -> None:
    assert of(None) is None
