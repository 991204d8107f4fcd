"""The schema's history: Alembic revisions, and the SQL of functions beside them. A landed file never changes."""
