"""Pages: templates that fail rather than show a gap, and static files that are read once, at the start.

A page is rendered with what every page is given (see ``templates/layouts/base.html``) and its own context. Nothing is
ever marked as safe: what a template prints is escaped.
"""

import gzip
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2 import Template as JinjaTemplate

from stockade.kernel.ids import new_id
from stockade.kernel.money import Money, exponent_of
from stockade.kernel.problems import NotFound, Refusal
from stockade.web.problems import MethodNotAllowed

STATIC_PREFIX = "/static/"
MOST_STATIC_BYTES = 32_000_000
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
          ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2"}  # fmt: skip
"""What is served; a file of another kind in the folders (a licence, a record) is not."""
_COMPRESSED = frozenset({".css", ".js", ".svg"})
_FOREVER = b"public, max-age=31536000, immutable"
_A_DAY = b"public, max-age=86400"
_ASK_AGAIN = b"no-cache"

_SEPARATORS = {"en": (",", "."), "pl": ("\N{NO-BREAK SPACE}", ",")}
"""Of thousands and of decimals."""
LOCALES = tuple(_SEPARATORS)


class StaticFile(msgspec.Struct, frozen=True):
    """One file: its content, the same compressed (if that is smaller), and the hash that versions it."""

    body: bytes
    compressed: bytes | None
    kind: bytes
    version: str


class StaticFiles:
    """The files of some folders, served under ``/static/``: an ASGI application.

    They are looked up by name in what was read at the start, so that no path, however written, can leave the folders.
    ``Refusal`` if there are more than ``MOST_STATIC_BYTES`` or two of a name.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._files: dict[str, StaticFile] = {}
        total = 0
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.suffix not in _KINDS or not path.is_file() or path.is_symlink():
                    continue
                total += path.stat().st_size
                name = path.relative_to(folder).as_posix()
                if name in self._files or total > MOST_STATIC_BYTES:
                    raise Refusal(f"The static file {path} is there twice, or the files are too large altogether.")
                self._files[name] = _read(path)

    def url(self, path: str) -> str:
        """Return a file's URL with its version, for templates; ``KeyError`` if there is no such file."""
        return f"{STATIC_PREFIX}{path}?v={self._files[path].version}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with a file, or with 304 if the client has it; ``NotFound`` if there is none."""
        scope["state"]["route"] = STATIC_PREFIX
        # Mounted in Litestar the path comes without the prefix, and may have got a slash at its end.
        name = scope["path"].removeprefix(STATIC_PREFIX).strip("/")
        file = self._files.get(name)
        if file is None:
            raise NotFound
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed(allow=["GET", "HEAD"])
        given = dict(scope["headers"])
        status, headers, body = _answer(file, given, scope["query_string"])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class Pages:
    """The templates of some folders, with their filters, in each language."""

    def __init__(self, folders: Sequence[Path], static: StaticFiles) -> None:
        self._environments = {locale: _environment(folders, static, locale) for locale in LOCALES}

    def render(self, template: str, *, locale: str = "en", **context: Any) -> str:
        """Return a page; a name that it needs and was not given is an error, not a gap.

        Every page needs ``nonce`` (``headers.nonce_of``), ``csrf_token`` and ``principal`` (or None).
        """
        return self.template(template, locale).render(context)

    def template(self, name: str, locale: str = "en") -> JinjaTemplate:
        """Return a template, compiled once; ``TemplateNotFound`` if there is none."""
        return self._environments[locale].get_template(name)

    def names(self) -> list[str]:
        """Return the names of all templates."""
        return self._environments["en"].list_templates()


def _environment(folders: Iterable[Path], static: StaticFiles, locale: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(list(folders)), autoescape=True, undefined=StrictUndefined, auto_reload=False
    )
    made.globals.update(static=static.url, new_key=lambda: str(new_id()), locale=locale)
    made.filters["money"] = lambda value: money(value, locale)
    made.filters["quantity"] = lambda value: quantity(value, locale)
    made.filters["date"] = lambda value: day(value, locale)
    made.filters["datetime"] = lambda value: moment(value, locale)
    return made


def money(value: Money, locale: str = "en") -> str:
    """Return an amount in major units with its currency: ``1,234.50 EUR``, in Polish ``1 234,50 EUR``."""
    places = exponent_of(value.currency)
    return f"{_number(Decimal(value.amount_minor).scaleb(-places), places, locale)}\N{NO-BREAK SPACE}{value.currency}"


def quantity(value: int | Decimal, locale: str = "en") -> str:
    """Return a number with separated thousands and no needless zeros: ``1,200``, ``2.5``."""
    places = 0
    if isinstance(value, Decimal):
        exponent = value.normalize().as_tuple().exponent
        places = max(-exponent, 0) if isinstance(exponent, int) else 0
    return _number(value, places, locale)


def day(value: date, locale: str = "en") -> str:
    """Return a date: ``21 Nov 2026``, in Polish ``21.11.2026`` (the day of a moment is its day in UTC)."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).date()
    return f"{value:%d.%m.%Y}" if locale == "pl" else f"{value.day} {value:%b %Y}"


def moment(value: datetime, locale: str = "en") -> str:
    """Return a moment to the minute, in UTC and saying so: ``21 Nov 2026, 09:30 UTC``."""
    utc = value.astimezone(UTC)
    return f"{day(utc.date(), locale)}, {utc:%H:%M} UTC"


def _number(value: int | Decimal, places: int, locale: str) -> str:
    thousands, point = _SEPARATORS[locale]
    whole, _, rest = f"{value:,.{places}f}".partition(".")
    return whole.replace(",", thousands) + (point + rest if rest else "")


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    # No time stamp inside, so that every process and every start makes the same bytes.
    compressed = gzip.compress(body, 9, mtime=0) if path.suffix in _COMPRESSED else None
    if compressed is not None and len(compressed) >= len(body):
        compressed = None
    return StaticFile(body, compressed, _KINDS[path.suffix].encode(), hashlib.sha256(body).hexdigest()[:16])


def _answer(file: StaticFile, given: dict[bytes, bytes], query: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    zipped = file.compressed is not None and b"gzip" in given.get(b"accept-encoding", b"")
    tag = f'"{file.version}{"-gzip" if zipped else ""}"'.encode()
    # A version that is not this file's is another release's URL: whatever is answered must not be kept under it.
    cache = _FOREVER if query == b"v=" + file.version.encode() else _A_DAY if not query else _ASK_AGAIN
    headers = [(b"etag", tag), (b"cache-control", cache), (b"vary", b"Accept-Encoding")]
    asked = given.get(b"if-none-match")
    if asked is not None and (asked.strip() == b"*" or tag in [part.strip() for part in asked.split(b",")]):
        return 304, headers, b""
    body = file.compressed if zipped and file.compressed is not None else file.body
    headers += [(b"content-type", file.kind), (b"content-length", str(len(body)).encode())]
    if zipped:
        headers.append((b"content-encoding", b"gzip"))
    return 200, headers, body
