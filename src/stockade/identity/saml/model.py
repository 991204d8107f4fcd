"""What signing in by SAML keeps: which assertions were used."""

from datetime import datetime

from sqlalchemy import DateTime, LargeBinary
from sqlalchemy.orm import Mapped

from stockade.tenancy.declaration import TenantTable, column, index, technical, unique


class SamlSeen(TenantTable, table="identity.saml_seen", grants="select insert delete", audited=False):
    """That an assertion was used: the SHA-256 of its id, until the assertion is refused by its age anyway."""

    assertion_hash: Mapped[bytes] = column(LargeBinary, technical(), fixed=True)
    expires_at: Mapped[datetime] = column(DateTime(timezone=True), technical(), fixed=True)

    __constraints__ = (unique("assertion_hash"), index("expires_at"))
