"""Writes requirements/{run,develop,ldap}.txt: every version pinned with its hashes, no address of any index."""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = [
    "--quiet", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--strip-extras", "--allow-unsafe",
    "--no-header", "--annotation-style=line",
]  # fmt: skip


def lock() -> None:
    """Compile the lists with a pip-tools of their own."""
    environment = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    environment["PIP_CONFIG_FILE"] = os.devnull
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-tools"], check=True)
        for name, extras in (("run", []), ("develop", ["--extra", "develop"]), ("ldap", ["--extra", "ldap"])):
            target = f"requirements/{name}.txt"
            subprocess.run(
                [python, "-m", "piptools", "compile", *OPTIONS, *extras, "-o", target, "pyproject.toml"],
                cwd=ROOT,
                env=environment,
                check=True,
            )
            if "://" in (ROOT / target).read_text():
                sys.exit(f"{target} holds an address; it may hold hashes only.")


if __name__ == "__main__":
    lock()
