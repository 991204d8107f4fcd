"""Makes the source tree importable in its virtual environment and puts the ``stockade`` command into it.

The same as an editable install, without a build tool: nothing has to be fetched that the lock file does not name.
"""

import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = '''"""The stockade command."""

import sys

from stockade.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
'''


def link() -> None:
    """Write the path file and the command."""
    site = Path(sysconfig.get_paths()["purelib"])
    (site / "stockade-source.pth").write_text(f"{ROOT / 'src'}\n")
    command = Path(sys.executable).parent / "stockade"
    launcher = command.with_name("stockade-launcher.py")
    launcher.write_text(LAUNCHER)
    # A shebang cannot hold a path with spaces; a shell that is told where it lies can.
    command.write_text(
        '#!/bin/sh\nhere=$(dirname -- "$(readlink -f -- "$0")")\n'
        'exec "$here/python" "$here/stockade-launcher.py" "$@"\n'
    )
    command.chmod(0o755)


if __name__ == "__main__":
    link()
