"""Files that are whole or absent: a reader, or the next start after a power cut, never meets half of one."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stockade.kernel.problems import Refusal

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, data: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Replace a file at once: written beside it, flushed to the disk, given to ``owner`` (uid, gid), then renamed."""
    # mkstemp makes it with mode 0600 and O_EXCL: there is no moment in which others could read a key, and a link
    # that the folder's owner planted under the name is not followed.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def disk_is_full(folder: Path) -> Refusal:
    """Return the sentence for a full disk (or quota) under a folder."""
    return Refusal(f"The disk that holds {folder} is full: free some space there and start again.")


@contextmanager
def refusing_disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses inside the block into a ``Refusal`` that names the place."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_IS_FULL:
            raise disk_is_full(folder) from error
        place = error.filename or folder
        raise Refusal(f"{place} cannot be used: {error.strerror or error}.") from error
