"""Versions of the schema: draft, published, live, in PostgreSQL.

A published version never changes. There is one draft that everybody shares. Publishing makes a version of it: a version that only
new events need becomes live at once, one that touches what is already merged waits for a rebuild of profiles.
"""
