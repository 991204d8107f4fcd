"""The command line: ``stockade``. It composes; what it does is in the slices."""

from stockade.apps.cli.main import main

__all__ = ["main"]
