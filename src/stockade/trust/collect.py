"""Collecting: from the folders of the slices to the controls that they declare.

Nothing lists them: a slice's ``controls.py`` is found because it is there, so that none is left out by omission.
"""

import importlib
from pathlib import Path

import stockade
from stockade.kernel.control import CONTROLS, Control
from stockade.kernel.problems import Refusal
from stockade.trust.claims import all_claims

_ROOT = Path(stockade.__file__).parent
_COMPOSED = "apps"
"""The room above this one puts rooms together and promises nothing of its own."""


def control_modules() -> list[str]:
    """Return the dotted names of every slice's ``controls`` module (or package), sorted."""
    found = [*_ROOT.rglob("controls.py"), *(path.parent for path in _ROOT.rglob("controls/__init__.py"))]
    parts = [path.relative_to(_ROOT).with_suffix("").parts for path in found]
    return sorted(".".join((stockade.__name__, *item)) for item in parts if item[0] != _COMPOSED)


def collect() -> dict[str, Control]:
    """Import what declares controls and return them by id.

    What cannot be imported is an error, not a gap: a control that is silently missing would leave its claim looking as
    if it had never been promised. ``Refusal`` for a control that proves a claim which nobody makes.
    """
    for name in control_modules():
        importlib.import_module(name)
    refuse_unknown_claims(CONTROLS)
    return CONTROLS


def refuse_unknown_claims(controls: dict[str, Control]) -> None:
    """Raise ``Refusal`` if a control names a claim that is not in the list."""
    known = all_claims()
    for item in controls.values():
        if unknown := [claim for claim in item.claims if claim not in known]:
            raise Refusal(f"The control {item.id} proves {', '.join(unknown)}, but no such claim is made.")
