"""The admin panel: pages over the slices' verbs, for the distributor's staff."""
