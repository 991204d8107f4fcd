"""Order entry, made for the telephone: looking up by a few letters, pricing while typing, drafts, placing."""
