"""Forgetting files and lines: they hold people's data, and nobody needs them once an import is over."""

from datetime import datetime, timedelta

from stockade.database.statements import raw
from stockade.tenancy.transaction import Transaction

KEPT = timedelta(days=14)
_OVER = "select r.id from imports.run r where r.tenant_id = $1 and coalesce(r.ended_at, r.uploaded_at) < $2"
_FORGET_LINES = raw(f"delete from imports.line where tenant_id = $1 and run_id in ({_OVER})", "this_tenant before")
_FORGET_FILES = raw(f"delete from imports.file where tenant_id = $1 and run_id in ({_OVER})", "this_tenant before")
_CLOSE = raw(
    "update imports.run set state = 'stopped', ended_at = now() "
    "where tenant_id = $1 and uploaded_at < $2 and state in ('ready', 'checked')",
    "this_tenant before",
)


async def forget_old_imports(tx: Transaction, now: datetime) -> int:
    """Forget the files and lines of imports that ended, or lay about unused, ``KEPT`` ago; return how many lines."""
    lines = await _FORGET_LINES.run(tx, before=now - KEPT)
    await _FORGET_FILES.run(tx, before=now - KEPT)
    await _CLOSE.run(tx, before=now - KEPT)
    return lines
