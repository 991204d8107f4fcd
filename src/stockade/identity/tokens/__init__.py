"""Access and refresh tokens: how programs sign in for a person without a cookie (claim B4)."""
