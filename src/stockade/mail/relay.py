"""The platform's relay: where letters are handed over, and how (SMTP, RFC 5321; STARTTLS, RFC 3207).

TLS is verified. A relay that offers none is refused, unless it is this very machine or the operator has said so.
"""

import ipaddress
import ssl
from urllib.parse import unquote, urlsplit

import msgspec

from stockade.kernel.problems import Invalid, Refusal
from stockade.kernel.settings import Settings
from stockade.mail.addresses import checked_address

PORTS = {"smtp": 587, "smtps": 465}
_HELP = "write it like smtp://user:password@mail.example.com:587, or smtps:// for TLS from the start"


class Relay(msgspec.Struct, frozen=True):
    """Where letters are handed over. ``tls`` is from the start or by STARTTLS; ``none`` is for loopback or on order."""

    host: str
    port: int
    tls: str
    username: str | None
    password: str | None
    from_address: str
    certificates: str | None = None
    """A PEM file of authorities to trust besides the machine's."""

    def __repr__(self) -> str:
        """Name it without its password: representations end up in logs."""
        return f"Relay({self.host}:{self.port}, {self.tls})"

    @property
    def domain(self) -> str:
        """The domain that letters come from."""
        return self.from_address.rpartition("@")[2]

    def context(self) -> ssl.SSLContext:
        """Return how its certificate is verified."""
        context = ssl.create_default_context()
        if self.certificates is not None:
            context.load_verify_locations(self.certificates)
        return context


def relay_of(settings: Settings) -> Relay | None:
    """Return the relay that the settings name, None if they name none; ``Refusal`` for one that cannot be used."""
    if settings.smtp_url is None:
        return None
    parts = urlsplit(settings.smtp_url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or parts.path.strip("/"):
        raise Refusal(f"STOCKADE_SMTP_URL cannot be used: {_HELP}.")
    if settings.mail_from is None:
        raise Refusal("STOCKADE_SMTP_URL needs STOCKADE_MAIL_FROM beside it: the address that letters come from.")
    _check_sender(settings.mail_from)
    plain = parts.scheme == "smtp" and (settings.smtp_without_tls or _is_loopback(parts.hostname))
    tls = "start" if parts.scheme == "smtps" else "none" if plain else "starttls"
    return Relay(
        parts.hostname, port or PORTS[parts.scheme], tls,
        unquote(parts.username) if parts.username else None, unquote(parts.password) if parts.password else None,
        settings.mail_from, str(settings.smtp_certificates) if settings.smtp_certificates else None,
    )  # fmt: skip


def _check_sender(address: str) -> None:
    try:
        checked_address(address, "mail_from")
    except Invalid:
        raise Refusal("STOCKADE_MAIL_FROM is no e-mail address: write it like post@example.com.") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
