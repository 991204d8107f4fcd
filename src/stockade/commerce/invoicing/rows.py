"""Writing a document in one statement: its rows travel as one JSON value, which PostgreSQL reads as the table's type.

A document has a header, lines, VAT groups and postings. Sent table by table they would cost a round trip each while the
number's counter is locked.
"""

from stockade.tenancy.declaration import TenantDetail, TenantTable


def insert_rows(model: type[TenantTable] | type[TenantDetail], json: str, **fixed: str) -> str:
    """Return an INSERT of the JSON array that the SQL expression ``json`` yields, members named as the columns are.

    ``fixed`` gives columns an SQL expression instead, the tenant always. All of it is constant text of ours: names come
    from the declaration, values only ever from bound parameters.
    """
    name = f"{model.__table__.schema}.{model.__tablename__}"
    columns = [column.name for column in model.__table__.columns]
    values = ", ".join(fixed.get(column, f"r.{column}") for column in columns)
    source = f"jsonb_populate_recordset(null::{name}, {json})"
    return f"insert into {name} ({', '.join(columns)}) select {values} from {source} as r"
