"""Organisations' own sign-on: connections to their identity providers, the domains that they speak for, sign-ins by
OpenID Connect, SAML and LDAP, and tokens of outside issuers on the API."""
