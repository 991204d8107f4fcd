"""Pages escape, and fail rather than show a gap; static files are what was in the folders, and nothing else."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from tests.web.asgi import Answered, ask, make_edge

import stockade
from stockade.kernel.money import Money
from stockade.kernel.problems import Refusal
from stockade.web import pages
from stockade.web.languages import LOCALES
from stockade.web.pages import Pages, StaticFiles

SOURCE = Path(stockade.__file__).parent
HOUSE_STATIC = SOURCE / "web" / "static"
BIG = b"body { color: red }\n" * 200
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "static"
    (made / "css").mkdir(parents=True)
    (made / "css" / "app.css").write_bytes(BIG)
    (made / "tiny.js").write_bytes(b"1")
    (made / "LICENSE").write_bytes(b"licence")
    (tmp_path / "secret.css").write_bytes(b"secret")
    (made / "link.css").symlink_to(tmp_path / "secret.css")
    return made


async def fetch(folder: Path, path: str, **given: Any) -> Answered:
    edge, _ = make_edge(StaticFiles([folder]), folder.parent)
    return await ask(edge, path, **given)


async def test_a_file_is_served_with_its_type_under_its_versioned_address_for_ever(folder: Path) -> None:
    path, _, query = StaticFiles([folder]).url("css/app.css").partition("?")
    answered = await fetch(folder, path, query=query.encode())
    assert (answered.status, answered.body) == (200, BIG)
    assert answered.header("content-type") == "text/css; charset=utf-8"
    assert answered.header("cache-control") == "public, max-age=31536000, immutable"


async def test_a_bundle_is_its_parts_in_order_and_its_version_follows_them(folder: Path) -> None:
    (folder / "css" / "base.css").write_bytes(b"p { margin: 0 }")
    (folder / "bundles.toml").write_text('"css/all.css" = ["css/base.css", "css/app.css"]')
    answered = await fetch(folder, "/static/css/all.css")
    assert answered.body == b"p { margin: 0 }\n" + BIG
    before = StaticFiles([folder]).url("css/all.css")
    (folder / "css" / "base.css").write_bytes(b"p { margin: 1px }")
    assert StaticFiles([folder]).url("css/all.css") != before
    assert (await fetch(folder, "/static/bundles.toml")).status == 404


async def test_a_version_that_is_not_this_files_is_not_kept(folder: Path) -> None:
    answered = await fetch(folder, "/static/css/app.css", query=b"v=0123456789abcdef")
    assert answered.header("cache-control") == "no-cache"


async def test_an_address_without_a_version_is_kept_for_a_day(folder: Path) -> None:
    assert (await fetch(folder, "/static/tiny.js")).header("cache-control") == "public, max-age=86400"


async def test_a_changed_file_gets_another_address(folder: Path) -> None:
    before = StaticFiles([folder]).url("tiny.js")
    (folder / "tiny.js").write_bytes(b"2")
    assert StaticFiles([folder]).url("tiny.js") != before


async def test_a_client_that_can_gets_the_file_compressed(folder: Path) -> None:
    answered = await fetch(folder, "/static/css/app.css", headers=[(b"accept-encoding", b"br, gzip")])
    assert answered.header("content-encoding") == "gzip"
    assert answered.header("vary") == "Accept-Encoding"
    assert gzip.decompress(answered.body) == BIG
    assert answered.header("content-length") == str(len(answered.body))


async def test_a_client_that_has_the_file_gets_304_without_a_body(folder: Path) -> None:
    tag = (await fetch(folder, "/static/tiny.js")).header("etag") or ""
    answered = await fetch(folder, "/static/tiny.js", headers=[(b"if-none-match", b'"other", ' + tag.encode())])
    assert (answered.status, answered.body, answered.header("etag")) == (304, b"", tag)


async def test_a_head_request_gets_the_headers_alone(folder: Path) -> None:
    answered = await fetch(folder, "/static/css/app.css", method="HEAD")
    assert (answered.status, answered.body, answered.header("content-length")) == (200, b"", str(len(BIG)))


@pytest.mark.parametrize(
    "path",
    [
        "/static/../secret.css", "/static/css/../../secret.css", "/static/link.css", "/static/LICENSE", "/static/",
        "/static/css", "/static/css/app.css\0", "/static/..\\secret.css", "/secret.css", "/static/CSS/app.css",
    ],
)  # fmt: skip
async def test_nothing_but_the_folders_files_is_served(path: str, folder: Path) -> None:
    answered = await fetch(folder, path)
    assert answered.status == 404
    assert b"secret" not in answered.body


async def test_a_file_is_not_written_to(folder: Path) -> None:
    answered = await fetch(folder, "/static/tiny.js", method="POST")
    assert (answered.status, answered.header("allow")) == (405, "GET, HEAD")


def test_too_many_static_files_are_refused_at_the_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_STATIC_BYTES", 100)
    with pytest.raises(Refusal, match=r"app\.css"):
        StaticFiles([folder])


def rendered(tmp_path: Path, template: str, locale: str = "en", **context: Any) -> str:
    (tmp_path / "page.html").write_text(template)
    return Pages([tmp_path], StaticFiles([HOUSE_STATIC])).render("page.html", locale=locale, **context)


def test_what_a_template_prints_is_escaped(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ x }}", x="<script>") == "&lt;script&gt;"


def test_a_name_that_was_not_given_is_an_error_and_not_a_gap(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        rendered(tmp_path, "{{ missing }}")


def test_a_static_file_that_does_not_exist_fails_the_page(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ static('favicon.svg') }}").startswith("/static/favicon.svg?v=")
    with pytest.raises(KeyError):
        rendered(tmp_path, "{{ static('absent.svg') }}")


def test_filters_follow_the_language_even_inside_macros(tmp_path: Path) -> None:
    (tmp_path / "macros.html").write_text("{% macro m(x) %}{{ x|money }}{% endmacro %}")
    template = '{% import "macros.html" as it %}{{ it.m(x) }} {{ 1200|quantity }}'
    amount = Money(123450, "EUR")
    assert rendered(tmp_path, template, x=amount) == f"1,234.50{NBSP}EUR 1,200"
    assert rendered(tmp_path, template, "pl", x=amount) == f"1{NBSP}234,50{NBSP}EUR 1{NBSP}200"


def test_every_page_of_the_house_compiles_in_every_language(tmp_path: Path) -> None:
    folders = sorted(path for path in SOURCE.rglob("templates") if path.is_dir())
    made = Pages(folders, StaticFiles([HOUSE_STATIC]))
    assert made.names()
    for locale in LOCALES:
        for name in made.names():
            if name.endswith(".html"):
                made.template(name, locale)


def test_an_error_page_is_rendered_from_a_problems_document() -> None:
    made = Pages([SOURCE / "web" / "templates"], StaticFiles([HOUSE_STATIC]))
    page = made.render(
        "errors/problem.html", nonce="n0nce", csrf_token="", principal=None, may=lambda name: False, request_id="r-1",
        back=None, retry=None,
        problem={"type": "/problems/not-found", "title": "There is no such thing here", "status": 404},
    )  # fmt: skip
    assert "There is no such thing here" in page
    assert 'nonce="n0nce"' in page
