"""Access reviews: who has what, when it was last used, what somebody decided about it, and what came of that."""
