"""Integrations as people see and change them, without the web framework: rules as tables, edits, previews, differences."""
