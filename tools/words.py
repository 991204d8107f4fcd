"""Collects every text for people into the catalogues, and says what is missing in them.

python -m tools.words          writes src/stockade/web/catalogues/*.po anew; what is translated stays
python -m tools.words --check  changes nothing; fails if a text is missing, untranslated or no longer used

From Python come the texts of ``N_("…")`` and ``said("…", …)``, titles of problems, and sentences that problems are
raised with; from templates what gettext finds.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "stockade"
CATALOGUES = SOURCE / "web" / "catalogues"
TRANSLATED = ("pl",)
_MARKS = frozenset({"N_", "said"})
_NOT_FOR_PAGES = frozenset({
    "Refusal", "RuntimeError", "TypeError", "ValueError", "AssertionError", "KeyError", "LookupError", "SystemExit",
    "NotImplementedError", "UsageError", "ClickException", "BadParameter", "CannotSignIn",
    "ForeignHashRefused",
})  # fmt: skip
"""What is raised with words for operators and programmers."""
Text = str | tuple[str, ...]


def texts_of_python(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts for people in a module, with their lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and _name(node.func) in _MARKS:
            yield from _first_text(node)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            if _name(node.exc.func) not in _NOT_FOR_PAGES:
                yield from _first_text(node.exc)
        elif isinstance(node, ast.ClassDef):
            yield from _title(node)


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _first_text(call: ast.Call) -> Iterator[tuple[int, str]]:
    first = call.args[0] if call.args else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value:
        yield call.lineno, first.value


def _title(declared: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """Yield the title of a problem: a class that names its type."""
    given = {
        target.id: statement.value
        for statement in declared.body
        for target in (statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)])
        if isinstance(target, ast.Name)
    }
    title = given.get("title")
    if "type" in given and isinstance(title, ast.Constant) and isinstance(title.value, str):
        yield declared.lineno, title.value


def texts_of_template(path: Path) -> Iterator[tuple[int, Text]]:
    """Yield the texts of a template; a pair is a singular with its plural."""
    with path.open("rb") as file:
        options = {"trimmed": "true", "silent": "false"}
        for line, message, _, _ in extract("jinja2.ext:babel_extract", file, options=options, keywords=KEYWORDS):
            yield line, message if isinstance(message, str) else tuple(message)


KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def collected() -> Catalog:
    """Return every text, with the places that it comes from."""
    found = Catalog(project="Stockade", charset="utf-8", fuzzy=False)
    for path in sorted(SOURCE.rglob("*.py")):
        for line, text in texts_of_python(path):
            found.add(text, locations=[(path.relative_to(ROOT).as_posix(), line)])
    for path in sorted(SOURCE.rglob("templates/**/*.html")):
        for line, message in texts_of_template(path):
            found.add(message, locations=[(path.relative_to(ROOT).as_posix(), line)])
    return found


def complaints(code: str, wanted: Catalog) -> list[str]:
    """Return what a language's catalogue lacks, or holds needlessly."""
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    told = []
    for message in wanted:
        if not message.id:
            continue
        translated = catalogue.get(message.id)
        texts = (
            translated.string
            if translated and isinstance(translated.string, tuple)
            else (translated and translated.string,)
        )
        if translated is None or translated.fuzzy or not all(texts):
            told.append(f"not translated: {message.id!r}")
        elif broken := [str(error) for error in translated.check()]:
            told.append(f"{message.id!r}: {'; '.join(broken)}")
    told += [
        f"no longer used: {message.id!r}" for message in catalogue if message.id and wanted.get(message.id) is None
    ]
    return told


def _strings(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, list | tuple) else (message.string,)


def update(code: str, wanted: Catalog) -> None:
    """Write a language's catalogue: every text there is, with the translation that it has."""
    path = CATALOGUES / f"{code}.po"
    catalogue = Catalog(locale=code, project="Stockade", charset="utf-8", fuzzy=False)
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=code)
    catalogue.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, omit_header=False, no_location=True, sort_output=True)


def main() -> None:
    """Update or check every catalogue."""
    wanted = collected()
    CATALOGUES.mkdir(exist_ok=True)
    told = []
    for code in TRANSLATED:
        if "--check" not in sys.argv:
            update(code, wanted)
        told += [f"{code}: {text}" for text in complaints(code, wanted)]
    print("\n".join(told) or f"{len(wanted)} texts, in English and {', '.join(TRANSLATED)}")
    sys.exit(bool(told))


if __name__ == "__main__":
    main()
