"""Security events: what the trail holds of sign-ins, sessions and keys, as one declared list with fields (claim F4)."""
