"""Identity: who somebody is. Accounts, memberships, sign-in, sessions and API keys."""
