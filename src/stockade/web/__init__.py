"""The web room: the design system and the edge (certificates, headers, CSRF, limits, static files, components)."""
