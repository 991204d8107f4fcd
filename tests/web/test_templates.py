"""The templates: strict, escaped, without anything inline; and the vendored files beneath them, as recorded."""

import gzip
import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import UndefinedError

from stockade.apps.admin.navigation import ACTIONS, NAVIGATION
from stockade.apps.admin.ui import samples
from stockade.web.pages import Pages, StaticFiles

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "src" / "stockade"
STATIC = SOURCE / "web" / "static"
FOLDERS = sorted(folder for folder in SOURCE.rglob("templates") if folder.is_dir())
LETTERS = SOURCE / "mail" / "templates"
"""Letters are no pages: no policy stands over them, and mail programs take style from nowhere else."""
TEMPLATES = sorted(path for folder in FOLDERS for path in folder.rglob("*.html"))
VENDORED = [
    STATIC / "vendor" / "VENDORED.toml",
    PROJECT / "tests" / "vendor" / "VENDORED.toml",
]

FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an inline script": re.compile(r"<script\b(?![^>]*\ssrc=)[^>]*>", re.IGNORECASE),
    "an event handler": re.compile(r"<[^>]*\s(?:on[a-z]+|hx-on[a-z:-]*)\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript\s*:", re.IGNORECASE),
    "an evaluated htmx expression": re.compile(r"hx-(?:vals|headers|confirm)\s*=\s*[\"']?js:", re.IGNORECASE),
    "something from outside": re.compile(
        r"<(?:script|link|img|iframe)[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//",
        re.IGNORECASE,
    ),
    "an escape from escaping": re.compile(r"\|\s*safe\b|autoescape\s+false", re.IGNORECASE),
}
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
POST_FORM = re.compile(r"<form\b[^>]*method=\"post\".*?</form>", re.DOTALL)


@pytest.fixture(scope="module")
def templates() -> Pages:
    """The templates under the rules of the product, in English."""
    return Pages(FOLDERS, StaticFiles([STATIC]))


def page(**more: Any) -> dict[str, Any]:
    """What every page is given, and more."""
    who = SimpleNamespace(tenant_id="t1", actor_id="a1")
    principal = SimpleNamespace(name="Ada Byron", tenant_name="Nordwind", role="owner", principal=who, looks_through="")
    given = {"nonce": "n0nce", "csrf_token": "t0ken", "principal": principal, "may": lambda name: True}
    return given | {"navigation": NAVIGATION, "actions": ACTIONS} | more


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_gettext_is_given_constants_only(template: Path) -> None:
    """What gettext returns counts as markup: a stored text that went through it would not be escaped. ``|said`` is."""
    assert (
        re.findall(r"(?<![\w.])(?:_|gettext|ngettext)\((?![\"'])[^)]*\)", COMMENT.sub("", template.read_text())) == []
    )


def name_of(template: Path) -> str:
    folder = next(folder for folder in FOLDERS if template.is_relative_to(folder))
    return template.relative_to(folder).as_posix()


def recorded(path: Path) -> Iterator[tuple[str, str]]:
    for package in tomllib.loads(path.read_text())["package"]:
        assert all(package[key] for key in ("name", "version", "licence", "source", "why"))
        yield from package["files"].items()


def test_there_are_templates_to_look_at() -> None:
    assert {
        "list.html",
        "orders/order.html",
        "sign_in.html",
        "one_time.html",
        "trust.html",
        "api_docs.html",
    } <= {name_of(template) for template in TEMPLATES}


def test_no_two_rooms_have_a_template_of_the_same_name() -> None:
    names = [name_of(template) for template in TEMPLATES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("template", TEMPLATES, ids=name_of)
def test_a_template_compiles_and_all_that_it_extends_imports_or_includes_exists(
    template: Path, templates: Pages
) -> None:
    templates.template(name_of(template))
    for named in re.findall(r"\{%-?\s*(?:extends|import|include|from)\s+\"([^\"]+)\"", template.read_text()):
        templates.template(named)


@pytest.mark.parametrize("template", [it for it in TEMPLATES if not it.is_relative_to(LETTERS)], ids=name_of)
def test_a_template_has_nothing_that_the_content_security_policy_forbids(
    template: Path,
) -> None:
    text = COMMENT.sub("", template.read_text())
    assert [what for what, pattern in FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize(
    ("what", "markup"),
    [
        ("a style attribute", '<p class="x" style="color:red">'),
        ("a style element", "<style>"),
        ("an inline script", '<script nonce="x">alert(1)</script>'),
        ("an event handler", '<img alt="" onerror="x()">'),
        ("an event handler", '<p hx-on:click="x()">'),
        ("a javascript: address", '<a href="javascript:x()">'),
        ("an evaluated htmx expression", "<p hx-vals='js:{a: 1}'>"),
        (
            "something from outside",
            '<script nonce="x" src="https://example.org/x.js"></script>',
        ),
        ("an escape from escaping", "{{ name|safe }}"),
    ],
)
def test_the_scanner_finds_what_it_is_for(what: str, markup: str) -> None:
    assert FORBIDDEN[what].search(markup)


@pytest.mark.parametrize("template", TEMPLATES, ids=name_of)
def test_every_posting_form_carries_a_csrf_token(template: Path) -> None:
    for form in POST_FORM.findall(COMMENT.sub("", template.read_text())):
        assert "csrf(" in form or "hidden(" in form


@pytest.mark.parametrize("template", TEMPLATES, ids=name_of)
def test_every_element_that_htmx_acts_on_carries_the_nonce(template: Path) -> None:
    for element in re.split(r"(?=\bhx-(?:get|post|put|patch|delete|query)=)", COMMENT.sub("", template.read_text()))[
        1:
    ]:
        assert "hx-nonce=" in element, element[:200]


def test_a_page_that_lacks_something_it_needs_fails_instead_of_showing_a_gap(templates: Pages) -> None:
    context = page() | samples()
    del context["csrf_token"]
    with pytest.raises(UndefinedError, match="csrf_token"):
        templates.render("ui.html", **context)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 413, 422, 429, 500, 503, 418])
@pytest.mark.parametrize("signed_in", [True, False])
def test_a_problem_of_any_status_has_a_page(status: int, signed_in: bool, templates: Pages) -> None:
    problem = {"type": "/problems/x", "title": "It is so", "status": status}
    context = page(problem=problem, request_id=None, back=None, retry="/x") | ({} if signed_in else {"principal": None})
    html = templates.template("errors/problem.html").render(context)
    assert "<h1>It is so</h1>" in html
    assert ('action="/sign-out"' in html) is signed_in


def test_opening_a_one_time_link_only_shows_a_button_that_posts_its_token(
    templates: Pages,
) -> None:
    html = templates.template("one_time.html").render(page(principal=None, token="s3cret"))
    assert html.count("s3cret") == 1
    assert '<form method="post" action="/sign-in/once">' in html


def test_a_self_referring_schema_is_documented_by_a_link_to_itself(
    templates: Pages,
) -> None:
    node = {
        "type": "object",
        "properties": {"parent": {"oneOf": [{"$ref": "#/components/schemas/Node"}]}},
    }
    api = {
        "info": {"title": "T", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Node": node}},
    }
    html = templates.template("api_docs.html").render(page(api=api))
    assert 'id="schema-Node"' in html
    assert 'href="#schema-Node"' in html


@pytest.mark.parametrize("record", VENDORED, ids=lambda path: path.parent.parent.name)
def test_vendored_files_are_those_that_were_recorded(record: Path) -> None:
    for name, expected in recorded(record):
        assert hashlib.sha256((record.parent / name).read_bytes()).hexdigest() == expected, name


@pytest.mark.parametrize("record", VENDORED, ids=lambda path: path.parent.parent.name)
def test_no_vendored_file_is_unrecorded(record: Path) -> None:
    present = {path.relative_to(record.parent).as_posix() for path in record.parent.rglob("*") if path.is_file()}
    assert present - {record.name} == {name for name, _ in recorded(record)}


def test_every_static_file_and_icon_that_a_template_names_exists() -> None:
    files = StaticFiles([STATIC])
    sprite = (STATIC / "vendor" / "lucide" / "icons.svg").read_text()
    symbols = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    for template in TEMPLATES:
        text = template.read_text()
        for path in re.findall(r"static\('([^'~]+)'\)", text):
            assert files.url(path), path
        assert set(re.findall(r'icon\("([a-z-]+)"', text)) <= symbols, template


def test_style_sheets_and_scripts_refer_to_nothing_outside_and_evaluate_nothing() -> None:
    for path in [*(STATIC / "css").glob("*.css"), *(STATIC / "js").glob("*.js")]:
        text = path.read_text()
        assert not re.search(
            r"https?://|@import|\beval\(|new Function|innerHTML|insertAdjacentHTML",
            text,
        ), path


def test_a_first_visit_to_a_page_with_everything_transfers_less_than_250_kilobytes(templates: Pages) -> None:
    html = templates.render("ui.html", **page(), **samples())
    named = {path.split("?")[0] for path in re.findall(r"/static/([^\"#]+)", html)}
    named |= {f"vendor/geist/geist-{face}-wght-normal.woff2" for face in ("latin-ext", "mono-latin")}
    named |= {"vendor/htmx/htmx.min.js", "vendor/htmx/hx-csp.min.js"}
    bundles = tomllib.loads((STATIC / "bundles.toml").read_text())
    files = [(STATIC / part).read_bytes() for path in named for part in bundles.get(path, [path])]
    assert sum(min(len(file), len(gzip.compress(file, 9))) for file in files) + len(html) < 250_000
