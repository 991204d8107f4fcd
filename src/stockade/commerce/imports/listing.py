"""The history of imports as a list: what, by whom, when, and what became of it."""

from stockade.commerce.desk.listing import Choice, Column, Days, Listing, Search
from stockade.commerce.imports.permissions import READ
from stockade.commerce.imports.targets import LABELS
from stockade.kernel.words import N_

STATE_BADGES = {
    "reading": (N_("Being read"), "info", "loader-circle"), "refused": (N_("Unreadable"), "bad", "circle-x"),
    "ready": (N_("To be checked"), "hollow", "list-checks"), "checking": (N_("Being checked"), "info", "loader-circle"),
    "checked": (N_("Checked"), "info", "check"), "running": (N_("Running"), "info", "loader-circle"),
    "finished": (N_("Finished"), "good", "circle-check"), "stopped": (N_("Stopped"), "warn", "ban"),
}  # fmt: skip
_TARGET_BADGES = {name: (label, "", "") for name, label in LABELS.items()}


def _counted(name: str) -> str:
    """Return a count, once it is of lines that were imported; a check's counts are not those."""
    return f"case when r.state in ('running', 'finished', 'stopped') then p.{name} end"


IMPORTS = Listing(
    name="imports", address="/imports", permission=READ,
    source="imports.run r join imports.progress p on p.tenant_id = $1 and p.run_id = r.id "
    "left join identity.people() who on who.account_id = r.uploaded_by",
    where="r.tenant_id = $1", key="r.id",
    columns=(
        Column("file", N_("File"), "r.file_name", link="/imports/{id}"),
        Column("target", N_("Of"), "r.target", "badge", badges=_TARGET_BADGES),
        Column("state", N_("State"), "r.state", "badge", badges=STATE_BADGES),
        Column("lines", N_("Lines"), "r.lines", "quantity"),
        Column("created", N_("Created"), _counted("created"), "quantity"),
        Column("updated", N_("Updated"), _counted("updated"), "quantity"),
        Column("rejected", N_("Rejected"), _counted("rejected"), "quantity"),
        Column("by", N_("By"), "coalesce(who.name, 'API')"),
        Column("uploaded", N_("Uploaded"), "r.uploaded_at", "moment", sort=True),
    ),
    filters=(
        Search("strpos(lower(r.file_name), lower({0})) > 0", N_("File name")),
        Choice("target", N_("Of"), LABELS, "r.target = {0}", tabs=True),
        Days("uploaded", N_("Uploaded"), "r.uploaded_at", moment=True),
    ),
    sort="-uploaded",
)  # fmt: skip
