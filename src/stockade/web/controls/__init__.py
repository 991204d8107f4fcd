"""The controls of the edge: each asks the running server over the wire, as a stranger would, and looks at what comes back.

One module for each kind of promise; importing this package declares them all.
"""

from stockade.web.controls import exposure, forgery, headers, input, limits, origins, pages, sessions, tls

__all__ = ["exposure", "forgery", "headers", "input", "limits", "origins", "pages", "sessions", "tls"]
