"""Pages: templates that fail rather than show a gap, and static files that are read once, at the start.

A page is rendered with what every page is given (see ``templates/layouts/base.html``) and its own context. Nothing is
ever marked as safe: what a template prints is escaped.
"""

import gzip
import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2 import Template as JinjaTemplate

from stockade.kernel.ids import new_id
from stockade.kernel.problems import NotFound, Refusal
from stockade.web.languages import DEFAULT, LOCALES, Language, language
from stockade.web.problems import MethodNotAllowed

STATIC_PREFIX = "/static/"
MOST_STATIC_BYTES = 32_000_000
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
          ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2"}  # fmt: skip
"""What is served; a file of another kind in the folders (a licence, a record) is not."""
_COMPRESSED = frozenset({".css", ".js", ".svg"})
BUNDLES = "bundles.toml"
"""In a folder of static files: a name, and the files of which it is made, in order."""
_FOREVER = b"public, max-age=31536000, immutable"
_A_DAY = b"public, max-age=86400"
_ASK_AGAIN = b"no-cache"


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
        for folder in folders:
            self._files |= {name: self._joined(name, parts) for name, parts in _bundles(folder).items()}

    def _joined(self, name: str, parts: Sequence[str]) -> StaticFile:
        return _made(b"\n".join(self._files[part].body for part in parts), Path(name).suffix)

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
        self._environments = {code: _environment(folders, static, language(code)) for code in LOCALES}

    def render(self, template: str, *, locale: str = DEFAULT, **context: Any) -> str:
        """Return a page; a name that it needs and was not given is an error, not a gap.

        Every page needs ``nonce`` (``headers.nonce_of``), ``csrf_token``, ``principal`` (or None) and ``may``, which
        says whether a permission is granted.
        """
        return self.template(template, locale).render(context)

    def template(self, name: str, locale: str = DEFAULT) -> JinjaTemplate:
        """Return a template, compiled once; ``TemplateNotFound`` if there is none."""
        return self._environments[locale].get_template(name)

    def names(self) -> list[str]:
        """Return the names of all templates."""
        return self._environments[DEFAULT].list_templates()


def _environment(folders: Iterable[Path], static: StaticFiles, spoken: Language) -> Environment:
    made = Environment(
        loader=FileSystemLoader(list(folders)), autoescape=True, undefined=StrictUndefined, auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    # Newstyle: values are escaped where they are put into a translated text, as everywhere else.
    made.install_gettext_callables(spoken.gettext, spoken.ngettext, newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    made.policies["ext.i18n.trimmed"] = True
    made.globals.update(
        static=static.url, new_key=lambda: str(new_id()), locale=spoken.code,
        languages={code: language(code).name for code in LOCALES},
    )  # fmt: skip
    made.filters.update(spoken.filters())
    return made


def _bundles(folder: Path) -> Mapping[str, Sequence[str]]:
    path = folder / BUNDLES
    return tomllib.loads(path.read_text()) if path.is_file() else {}


def _read(path: Path) -> StaticFile:
    return _made(path.read_bytes(), path.suffix)


def _made(body: bytes, suffix: str) -> StaticFile:
    # No time stamp inside, so that every process and every start makes the same bytes.
    compressed = gzip.compress(body, 9, mtime=0) if suffix in _COMPRESSED else None
    if compressed is not None and len(compressed) >= len(body):
        compressed = None
    return StaticFile(body, compressed, _KINDS[suffix].encode(), hashlib.sha256(body).hexdigest()[:16])


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
