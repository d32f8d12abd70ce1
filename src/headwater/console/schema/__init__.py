"""What the pages of the schema need: fields with how filled they are, edits from forms, keys that nothing maps."""
