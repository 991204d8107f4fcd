"""Settings: from the environment and one TOML file, checked once at start, immutable afterwards.

Every field has the environment variable ``STOCKADE_<FIELD>`` (``DATABASE_URL`` keeps its usual name) and the same
key in ``$STOCKADE_HOME/stockade.toml`` (or the file that ``STOCKADE_CONFIG`` names); the environment wins. Secrets
are not settings: see ``stockade.kernel.secrets``.
"""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

import msgspec

from stockade.kernel.problems import Refusal

DEFAULT_PORT = 8443
HTTP_IS_BELOW_HTTPS_BY = 363
"""443 - 80: so 8443 redirects from 8080, as 443 does from 80."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about one installation that an operator may choose."""

    home: Path
    profile: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    redirect_port: int = 0
    names: tuple[str, ...] = ("localhost",)
    """Host names that the installation answers to; the first one is canonical."""
    workers: int = 1
    tls_minimum: Literal["1.3", "1.2"] = "1.3"
    certificate: Path | None = None
    certificate_key: Path | None = None
    database_url: str | None = None
    """An administrator's address of a PostgreSQL 18; none: the embedded server."""
    pooler: Literal["none", "transaction"] = "none"
    pool_size: int = 16
    body_limit_bytes: int = 2_000_000
    upload_limit_bytes: int = 28_000_000
    """The body limit where files for imports are uploaded."""
    address_requests_per_minute: int = 1_200
    credential_requests_per_minute: int = 6_000
    sign_in_attempts_per_minute: int = 10
    cors_origins: tuple[str, ...] = ()
    metrics_scrapers: tuple[str, ...] = ("127.0.0.1", "::1")
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose Forwarded-For header is believed; nobody's by default."""
    operator_networks: tuple[str, ...] = ()
    """Networks (CIDR) from which /platform can be reached; from elsewhere nothing is there. Empty: from anywhere."""
    smtp_url: str | None = None
    """The relay for letters, as in ``smtp://user:password@mail.example.com:587`` (``smtps://``: TLS from the start)."""
    mail_from: str | None = None
    """The address that letters come from."""
    smtp_without_tls: bool = False
    """Hand letters over in the clear: for a relay in a network of one's own. To this very machine it is allowed."""
    smtp_certificates: Path | None = None
    """A PEM file of authorities to trust for the relay, besides the machine's."""
    sso_private_networks: bool = False
    """Reach identity providers in networks of one's own, too; by default none that an organisation names."""
    sso_certificates: Path | None = None
    """A PEM file of authorities to trust for identity providers, besides the machine's."""
    breached_passwords: Path | None = None
    """A file of leaked passwords that nobody may choose: SHA-1 in hexadecimal, sorted, one a line."""
    demo: bool = True
    """Make two demo tenants at the first start (never in production)."""

    @property
    def production(self) -> bool:
        """Whether the strict profile is on."""
        return self.profile == "production"

    @property
    def origin(self) -> str:
        """The canonical origin, as in ``https://localhost:8443``."""
        return f"https://{self.names[0]}" + ("" if self.port == 443 else f":{self.port}")

    @property
    def http_port(self) -> int:
        """Where plain HTTP is redirected from."""
        return self.redirect_port or max(self.port - HTTP_IS_BELOW_HTTPS_BY, 1)


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return ``STOCKADE_HOME``, else the user's data folder (XDG base directory specification)."""
    if given := environ.get("STOCKADE_HOME"):
        return Path(given).expanduser().absolute()
    base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "stockade"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read, merge and check the settings; a wrong one is a ``Refusal`` that names it."""
    home = default_home(environ)
    values = {"home": str(home)} | _from_file(Path(environ.get("STOCKADE_CONFIG") or home / "stockade.toml"), environ)
    for field in msgspec.structs.fields(Settings):
        name = "DATABASE_URL" if field.name == "database_url" else f"STOCKADE_{field.name.upper()}"
        if (text := environ.get(name)) and field.name != "home":
            values[field.name] = _split(field.type, text)
    try:
        return _check(msgspec.convert(values, Settings, strict=False, dec_hook=_decode_path))
    except msgspec.ValidationError as error:
        raise Refusal(f"The settings are not valid: {error}.") from None


def _from_file(path: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    if not path.is_file():
        if "STOCKADE_CONFIG" in environ:
            raise Refusal(f"STOCKADE_CONFIG names {path}, but there is no such file.")
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise Refusal(f"{path} cannot be read as TOML: {error}.") from None


def _split(kind: Any, text: str) -> Any:
    return [part.strip() for part in text.split(",") if part.strip()] if "tuple" in str(kind) else text


def _decode_path(kind: Any, value: Any) -> Any:
    if kind is Path:
        return Path(value).expanduser().absolute()
    raise NotImplementedError(kind)


def _check(settings: Settings) -> Settings:
    if not 1 <= settings.port <= 65535:
        raise Refusal(f"STOCKADE_PORT is {settings.port}, but a port lies between 1 and 65535.")
    if settings.workers < 1 or settings.pool_size < 1:
        raise Refusal("STOCKADE_WORKERS and STOCKADE_POOL_SIZE must be at least 1.")
    for network in settings.operator_networks:
        try:
            ip_network(network)
        except ValueError:
            raise Refusal(
                f"STOCKADE_OPERATOR_NETWORKS names {network!r}, which is no network like 192.0.2.0/24."
            ) from None
    if not settings.names:
        raise Refusal("STOCKADE_NAMES must hold at least one host name.")
    if (settings.certificate is None) != (settings.certificate_key is None):
        raise Refusal("STOCKADE_CERTIFICATE and STOCKADE_CERTIFICATE_KEY belong together: give both or neither.")
    if settings.breached_passwords is not None and not settings.breached_passwords.is_file():
        raise Refusal(f"STOCKADE_BREACHED_PASSWORDS names {settings.breached_passwords}, but there is no such file.")
    if "*" in settings.cors_origins:
        raise Refusal("STOCKADE_CORS_ORIGINS may not hold a wildcard: list the origins.")
    return settings
