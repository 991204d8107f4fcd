"""Imports as pages: upload a file, say which column is which, see what would happen, run it, and read the account."""

from base64 import b64encode
from pathlib import PurePath
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response
from litestar.datastructures import UploadFile
from litestar.params import QueryParameter

from stockade.access.routes import opened
from stockade.apps.admin.forms import Form, submitted, submitted_new
from stockade.apps.admin.lists import list_routes, listed
from stockade.apps.admin.routes import Fields, form, page
from stockade.apps.show import AnyRequest, Shown, locale_of
from stockade.commerce.imports.fields import Source
from stockade.commerce.imports.listing import IMPORTS, STATE_BADGES
from stockade.commerce.imports.model import MOST_BYTES
from stockade.commerce.imports.permissions import READ, RUN
from stockade.commerce.imports.reading.limits import MOST_LINES
from stockade.commerce.imports.reading.sniffing import ENCODINGS, SEPARATORS
from stockade.commerce.imports.rejects import REASON, rejects_csv
from stockade.commerce.imports.service import reading, running, uploading
from stockade.commerce.imports.service.mapping import preview, set_mapping
from stockade.commerce.imports.targets import LABELS, TARGETS
from stockade.commerce.imports.views import AT_WORK, ImportView, MappingChange, NewImport, Outcome, ReadingChange
from stockade.kernel.problems import Problem
from stockade.kernel.words import N_
from stockade.tenancy.transaction import Transaction, Unauthenticated
from stockade.web.languages import language
from stockade.web.problems import problem_document

PAGE_SIZE = 50
BODY_BYTES = MOST_BYTES + 100_000
TOO_LARGE = N_("The file has more than 20 MB: divide it.")
ENCODING_LABELS = {
    "utf-8": "UTF-8", "utf-16": "UTF-16", "cp1250": N_("Windows, Central European (1250)"),
    "cp1252": N_("Windows, Western European (1252)"), "iso8859_2": N_("ISO 8859-2, Central European"),
}  # fmt: skip
SEPARATOR_LABELS = {",": N_("Comma"), ";": N_("Semicolon"), "\t": N_("Tab"), "|": N_("Vertical bar")}
OUTCOME_LABELS = {
    "created": (N_("Created"), "good"), "updated": (N_("Updated"), "info"), "unchanged": (N_("Unchanged"), ""),
    "rejected": (N_("Rejected"), "bad"),
}  # fmt: skip
Chosen = Annotated[Outcome | None, QueryParameter(name="outcome")]
After = Annotated[int, QueryParameter(name="after", ge=0, le=2**31 - 1)]


@page("/imports", permission=READ)
async def show_imports(tx: Transaction, request: AnyRequest) -> Shown:
    """The history of imports."""
    return await listed(tx, request, IMPORTS, title=N_("Imports"), template="imports/list.html")


@page("/imports/new", permission=RUN)
async def show_upload(tx: Transaction, request: AnyRequest) -> Shown:
    """The form to upload a file."""
    target = request.query_params.get("target", "products")
    return _upload_page(Form({"target": target if target in LABELS else "products"}))


@form("/imports", permission=RUN, request_max_body_size=BODY_BYTES)
async def take_upload(request: AnyRequest, fields: Fields) -> Shown | str:
    """Take a file in; its page shows it as soon as it is read."""
    given = {name: value for name, value in fields.items() if name not in ("file", "file_name", "content")}
    upload = (await request.form()).get("file")

    async def again(tx: Transaction, typed: Form) -> Shown:
        # The file does not travel back: browsers let nobody fill one in.
        values = {name: value for name, value in typed.values.items() if name not in ("file_name", "content")}
        return _upload_page(msgspec.structs.replace(typed, values=values))

    if not isinstance(upload, UploadFile) or not upload.filename:
        return msgspec.structs.replace(_upload_page(Form(given, {"file": N_("Choose a file.")})), status=422)
    content = await upload.read(MOST_BYTES + 1)
    if not content or len(content) > MOST_BYTES:
        wrong = TOO_LARGE if content else N_("The file is empty.")
        return msgspec.structs.replace(_upload_page(Form(given, {"file": wrong})), status=422)
    given |= {"file_name": _named(upload.filename), "content": b64encode(content).decode()}
    return await submitted_new(
        request, given, NewImport, uploading.upload_import, again=again, then=lambda made: f"/imports/{made}"
    )


@page("/imports/{import_id:uuid}", permission=READ)
async def show_import(
    tx: Transaction, request: AnyRequest, import_id: UUID, outcome: Chosen = None, after: After = 0
) -> Shown:  # fmt: skip
    """One import, wherever it stands."""
    return await _import_page(tx, import_id, outcome=outcome, after=after)


@form("/imports/{import_id:uuid}/mapping", permission=RUN)
async def take_mapping(request: AnyRequest, fields: Fields, import_id: UUID) -> Shown | str:
    """Say where the fields come from, and see the first lines so, or have all of them checked."""

    async def act(tx: Transaction) -> None:
        run = await reading.read_import(tx, import_id)
        await set_mapping(tx, import_id, _mapping_in(fields, run))
        if fields.get("then") == "check":
            await running.check_import(tx, import_id)

    return await _attempt(request, import_id, act)


@form("/imports/{import_id:uuid}/reading", permission=RUN)
async def take_reading(request: AnyRequest, fields: Fields, import_id: UUID) -> Shown | str:
    """Have a text file read in another way."""

    async def read(tx: Transaction, change: ReadingChange) -> None:
        await uploading.read_again(tx, import_id, change)

    async def again(tx: Transaction, typed: Form) -> Shown:
        return await _import_page(tx, import_id, problem=typed.problem)

    given = {"encoding": fields.get("encoding", ""), "separator": fields.get("separator", "")}
    given["separator"] = "\t" if given["separator"] == "tab" else given["separator"]
    return await submitted(request, given, ReadingChange, read, again=again, then=f"/imports/{import_id}")


@form("/imports/{import_id:uuid}/start", permission=RUN)
async def take_start(request: AnyRequest, fields: Fields, import_id: UUID) -> Shown | str:
    """Import the lines."""
    return await _attempt(request, import_id, lambda tx: running.start_import(tx, import_id))


@form("/imports/{import_id:uuid}/stop", permission=RUN)
async def take_stop(request: AnyRequest, fields: Fields, import_id: UUID) -> Shown | str:
    """Stop a check or a run."""
    return await _attempt(request, import_id, lambda tx: running.stop_import(tx, import_id))


@page("/imports/{import_id:uuid}/rejects.csv", permission=READ, heavy=True)
async def show_rejects(tx: Transaction, request: AnyRequest, import_id: UUID) -> Any:
    """The rejected lines in the file's own shape, with a column that says why."""
    run = await reading.read_import(tx, import_id)
    lines = await reading.list_lines(tx, import_id, outcome="rejected", count=MOST_LINES)
    spoken = language(locale_of(request.scope))
    told = [(line, [spoken.say(reason.said()) for reason in line.reasons]) for line in lines]
    name = f"{PurePath(run.file_name).stem.encode('ascii', 'ignore').decode() or 'file'}-rejects.csv".replace('"', "")
    return Response(
        rejects_csv(run, told, spoken.gettext(REASON)).encode("utf-8-sig"), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


async def _attempt(request: AnyRequest, import_id: UUID, act: Any) -> Shown | str:
    """Do something to an import; a refusal is shown on its page."""
    try:
        async with opened(request) as tx:
            await act(tx)
    except Unauthenticated:
        raise
    except Problem as problem:
        document = problem_document(problem, request.scope["state"]["request_id"])
        async with opened(request) as tx:
            shown = await _import_page(tx, import_id, problem=document)
        return msgspec.structs.replace(shown, status=problem.status)
    return f"/imports/{import_id}"


def _upload_page(typed: Form) -> Shown:
    return Shown("imports/new.html", {"form": typed, "targets": LABELS, "fields_of": TARGETS})


async def _import_page(
    tx: Transaction, import_id: UUID, *, problem: dict[str, Any] | None = None, outcome: Outcome | None = None,
    after: int = 0,
) -> Shown:  # fmt: skip
    run = await reading.read_import(tx, import_id)
    mapping = run.state in ("ready", "checked")
    told = run.state in ("checked", "finished", "stopped")
    lines = await reading.list_lines(tx, import_id, outcome=outcome, after=after, count=PAGE_SIZE + 1) if told else []
    context: dict[str, Any] = {
        "run": run, "target": TARGETS[run.target], "label": LABELS[run.target], "badge": STATE_BADGES[run.state],
        "labels": {field.name: field.label for field in TARGETS[run.target].fields}, "problem": problem,
        "rows": await preview(tx, run) if mapping else [], "sources": _sources(run) if mapping else {},
        "encodings": {name: ENCODING_LABELS[name] for name in ENCODINGS},
        "separators": {"tab" if sign == "\t" else sign: SEPARATOR_LABELS[sign] for sign in SEPARATORS},
        "lines": lines[:PAGE_SIZE], "next": lines[PAGE_SIZE - 1].position if len(lines) > PAGE_SIZE else None,
        "outcome": outcome, "after": after, "outcomes": OUTCOME_LABELS, "told": told,
        "stage": _stage(run), "at_work": run.state in AT_WORK,
    }  # fmt: skip
    return Shown("imports/import.html", context)


def _stage(run: ImportView) -> int:
    """Return at which of the steps an import is: file, columns, check, import."""
    return {"reading": 0, "refused": 0, "ready": 1, "checking": 2, "checked": 2}.get(run.state, 3)


def _sources(run: ImportView) -> dict[str, str]:
    """Return what each field's choice is set to: a column as ``c3``, a value as ``=DE``."""
    return {
        name: f"c{source.column}" if source.column is not None else f"={source.value}"
        for name, source in run.mapping.items()
    }


def _mapping_in(fields: Fields, run: ImportView) -> MappingChange:
    """Return the mapping that a form holds; what is no source of ours comes to nothing, and the verb refuses it."""
    mapped: dict[str, Source] = {}
    for field in TARGETS[run.target].fields:
        given = fields.get(f"source.{field.name}", "")
        if given.startswith("="):
            mapped[field.name] = Source(value=given[1:])
        elif given:
            column = given[1:]
            mapped[field.name] = Source(column=int(column) if column.isdecimal() and len(column) < 6 else -1)
    return MappingChange(fields=mapped, decimals="," if fields.get("decimals") == "," else ".")


def _named(given: str) -> str:
    """Return a file's name without its folders, and without what is no letter to be shown."""
    bare = "".join(letter for letter in given.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    return " ".join(bare.split())[:200].strip() or "file"


ROUTES = (
    show_imports, show_upload, take_upload, show_import, take_mapping, take_reading, take_start, take_stop,
    show_rejects, *list_routes(IMPORTS),
)  # fmt: skip
