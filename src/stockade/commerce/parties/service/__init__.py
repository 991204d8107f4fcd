"""The verbs about those who trade. Each runs inside the caller's transaction and commits nothing."""
