"""PyArrow, imported in one place: it has no type hints, and its memory pool is chosen before it loads."""

import os

# The default pool keeps what it frees: 50 MB more at the import's peak. Who has set another one means it.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pa_parquet

__all__ = ["pa", "pa_csv", "pa_ipc", "pa_parquet", "pc"]
