"""Passwords that were in a leak: looked up in a file that lies beside the installation, never over the network.

The file is the well-known one: a line for each password, the SHA-1 of it in hexadecimal capitals, sorted, each followed
by a colon and how often it was seen, or by nothing. SHA-1 protects nothing here; it is how the list is written.
"""

import hashlib
import mmap
from pathlib import Path

from stockade.kernel.problems import Refusal

_DIGITS = 40


def is_breached(path: Path, password: str) -> bool:
    """Whether the file lists a password; ``Refusal`` if it cannot be read. It takes some 30 steps for any size."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
            return _lists(lines, wanted)
    except (OSError, ValueError) as error:
        raise Refusal(f"The list of breached passwords, {path}, cannot be read: {error}.") from None


def _lists(lines: mmap.mmap, wanted: bytes) -> bool:
    """Halve the bytes, not the lines: from a byte in the middle of a line one goes back to its beginning."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        begin = lines.rfind(b"\n", low, middle) + 1 or low
        end = lines.find(b"\n", middle, high)
        found = lines[begin : begin + _DIGITS].upper()
        if found == wanted:
            return True
        if found < wanted:
            low = high if end < 0 else end + 1
        else:
            high = begin
    return False
