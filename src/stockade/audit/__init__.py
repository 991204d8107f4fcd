"""The audit trail: who did what, when, from where, before and after; written by triggers, altered by nobody."""
