"""The catalogue's verbs. Each runs inside the caller's transaction and commits nothing."""
