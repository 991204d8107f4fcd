"""PyArrow, imported in one place: it has no type hints, and its memory pool is chosen before it loads."""

import os

# The default pool keeps what it frees: 50 MB more at the import's peak. Who has set another one means it.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

import pyarrow as pa  # type: ignore[import-untyped]  # noqa: E402
import pyarrow.compute as pc  # type: ignore[import-untyped]  # noqa: E402
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]  # noqa: E402
import pyarrow.ipc as pa_ipc  # type: ignore[import-untyped]  # noqa: E402
import pyarrow.parquet as pa_parquet  # type: ignore[import-untyped]  # noqa: E402

__all__ = ["pa", "pa_csv", "pa_ipc", "pa_parquet", "pc"]
