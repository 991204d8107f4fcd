"""Components: what was typed stays, what is wrong is said where it is, and every reference leads somewhere."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from tests.web.test_templates import FOLDERS, STATIC, page

from stockade.apps.admin.forms import Conflict, Form
from stockade.apps.admin.ui import samples
from stockade.kernel.money import Money
from stockade.kernel.words import said
from stockade.web.pages import Pages, StaticFiles

REFERENCES = ("aria-labelledby", "aria-describedby", "aria-controls", "for", "popovertarget", "commandfor")


@pytest.fixture(scope="module")
def pages() -> Pages:
    """The templates as the product renders them."""
    return Pages(FOLDERS, StaticFiles([STATIC]))


class Elements(HTMLParser):
    """The elements of a piece of markup, each a dictionary of its attributes with its name as ``""``."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.found.append({"": tag} | {name: value or "" for name, value in attrs})

    def of(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Return the elements of a name with some attributes."""
        return [it for it in self.found if it[""] == tag and all(it.get(key) == value for key, value in wanted.items())]


@pytest.fixture
def drawn(pages: Pages) -> Any:
    """Draws a piece of a template in which the form's macros are known as ``fields`` and the form as ``form``."""

    def draw(piece: str, form: Form, locale: str = "en") -> Elements:
        environment = pages.template("ui.html", locale).environment
        head = '{% import "components/form.html" as fields with context %}{% import "components/chart.html" as chart %}'
        return Elements(environment.from_string(head + piece).render(page(form=form)))

    return draw


WRONG = Form({"limit_minor": "2.500,00"}, {"limit_minor": "Write a number."})


def test_a_field_keeps_what_was_typed_and_is_tied_to_what_is_wrong_with_it(drawn: Any) -> None:
    found = drawn('{{ fields.money(form, "limit_minor", "Limit", "EUR", note="Empty: none.") }}', WRONG)
    (field,) = found.of("input")
    assert field["value"] == "2.500,00"
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"].split() == ["error-limit_minor", "note-limit_minor"]
    assert {it["id"] for it in found.of("p")} == {"error-limit_minor", "note-limit_minor"}


def test_the_errors_over_a_form_link_to_their_fields(drawn: Any) -> None:
    found = drawn('{{ fields.errors(form) }}{{ fields.text(form, "limit_minor", "Limit") }}', WRONG)
    assert [it["href"] for it in found.of("a")] == ["#" + found.of("input")[0]["id"]]
    assert found.of("div", role="alert")


def test_a_form_shown_again_keeps_its_idempotency_key_and_version(drawn: Any) -> None:
    sent = Form({"idempotency_key": "k-12345678", "expected_version": "7"}, {"name": "Fill this in."})
    found = drawn('{{ fields.start("/x", form, new=true) }}{{ fields.end() }}', sent)
    hidden = {it["name"]: it["value"] for it in found.of("input", type="hidden")}
    assert hidden == {"csrf_token": "t0ken", "idempotency_key": "k-12345678", "expected_version": "7"}
    assert "data-again" in found.of("form")[0]


def test_two_fresh_forms_have_different_idempotency_keys(drawn: Any) -> None:
    start = '{{ fields.start("/x", form, new=true) }}{{ fields.end() }}'
    keys = {it["value"] for it in drawn(start * 2, Form()).of("input", name="idempotency_key")}
    assert len(keys) == 2


def test_a_conflict_shows_the_other_version_at_the_field_with_a_button_that_takes_it(drawn: Any) -> None:
    form = Form({"name": "Hartley & Sons"}, conflict=Conflict("Grace", None, {"name": "Hartley Ltd"}))
    found = drawn('{{ fields.text(form, "name", "Name") }}', form)
    (take,) = found.of("button")
    assert (take["data-take"], take["value"]) == ("field-name", "Hartley Ltd")
    assert found.of("input")[0]["value"] == "Hartley & Sons"
    assert "theirs-name" in found.of("input")[0]["aria-describedby"]


def test_an_unticked_box_is_sent_as_empty(drawn: Any) -> None:
    found = drawn('{{ fields.check(form, "ships", "Ships") }}', Form({"ships": ""}))
    hidden, box = found.of("input")
    assert (hidden["name"], hidden["value"]) == ("ships", "")
    assert "checked" not in box
    assert "checked" in drawn('{{ fields.check(form, "ships", "Ships") }}', Form({"ships": "on"})).of("input")[1]


def test_a_choice_marks_what_was_chosen_and_leaves_names_of_records_alone(drawn: Any) -> None:
    piece = '{{ fields.choice(form, "w", "Warehouse", [("1", "Main"), ("2", "Open")], plain=true) }}'
    found = drawn(piece, Form({"w": "2"}), locale="pl")
    assert ["selected" in it for it in found.of("option")] == [False, True]


def test_a_picker_keeps_the_record_and_what_it_is_called(drawn: Any) -> None:
    typed = Form({"customer_id": "id-1", "customer_id_shown": "Hartley"}, {"customer_id": "Choose one from the list."})
    found = drawn('{{ fields.picker(form, "customer_id", "Customer", "customers") }}', typed)
    text, value = found.of("input")
    assert (text["value"], value["value"]) == ("Hartley", "id-1")
    assert text["aria-invalid"] == "true"
    assert text["role"] == "combobox"
    assert found.of("div", **{"data-picker": "/look-up/customers"})


def test_an_error_with_values_is_said_in_the_language_of_the_page(pages: Pages) -> None:
    environment = pages.template("ui.html", "pl").environment
    form = Form(errors={"quantity": said("At most {bound}.", bound=1200)})
    piece = '{% import "components/form.html" as fields with context %}{{ fields.quantity(form, "quantity", "Q") }}'
    assert "1\N{NO-BREAK SPACE}200" in environment.from_string(piece).render(page(form=form))


def test_a_chart_is_a_table_first(drawn: Any) -> None:
    rows = [("1 Nov", [Money(123450, "EUR"), None], "/orders"), ("2 Nov", [Money(0, "EUR"), Money(5, "EUR")], None)]
    piece = '{{ chart.series("c", "Revenue", "Day", ["Now", "Before"], form.rows, before=2) }}'
    found = drawn(piece, SimpleNamespace(rows=rows))
    assert [it.get("data-value") for it in found.of("td")] == ["123450", None, "0", "5"]
    assert [it["href"] for it in found.of("a")] == ["/orders"]
    assert (found.of("figure")[0]["data-places"], found.of("figure")[0]["data-before"]) == ("2", "2")


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_the_sidebar_and_the_palette_hold_only_what_a_person_may_open(pages: Pages, role: str) -> None:
    granted = {"orders:read", "parties:read"} if role == "viewer" else None
    html = pages.render("ui.html", **page(may=lambda name: granted is None or name in granted), **samples())
    addresses = {it["href"] for it in Elements(html).of("a")}
    assert "/orders" in addresses
    assert ("/orders/new" in addresses) is (role == "owner")
    assert ("/members" in addresses) is (role == "owner")


@pytest.fixture(scope="module")
def everything(pages: Pages) -> Elements:
    """The page of all components."""
    return Elements(pages.render("ui.html", **page(), **samples()))


def test_every_reference_between_elements_leads_to_one(everything: Elements) -> None:
    ids = [it["id"] for it in everything.found if "id" in it]
    assert len(ids) == len(set(ids))
    named = {one for it in everything.found for name in REFERENCES for one in it.get(name, "").split()}
    assert len(named) > 40
    assert named <= set(ids)


def test_every_icon_that_a_page_shows_is_in_the_sprite(everything: Elements) -> None:
    drawn = {it["href"].partition("#")[2] for it in everything.of("use")}
    sprite = (STATIC / "vendor" / "lucide" / "icons.svg").read_text()
    assert len(drawn) > 30
    assert drawn <= set(re.findall(r'<symbol id="([^"]+)"', sprite))


def test_every_colour_of_the_style_sheets_is_a_token() -> None:
    for path in (STATIC / "css").glob("*.css"):
        if path.name != "tokens.css":
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!\s*\{)|\b(?:rgb|hsl|oklch|oklab)\(", path.read_text()), (
                path.name
            )


def test_every_style_and_script_stays_within_the_house_rule_of_400_lines() -> None:
    ours = [*(STATIC / "css").glob("*.css"), *(STATIC / "js").glob("*.js")]
    assert {path.name: lines for path in ours if (lines := len(path.read_text().splitlines())) > 400} == {}
