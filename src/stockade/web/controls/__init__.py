"""The controls of the edge: each asks the running server over the wire, as a stranger would, and reads the answers.

One module for each kind of promise; importing this package declares them all.
"""

from stockade.web.controls import exposure, forgery, headers, limits, origins, pages, sessions, tls, validation

__all__ = ["exposure", "forgery", "headers", "limits", "origins", "pages", "sessions", "tls", "validation"]
