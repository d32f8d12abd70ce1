"""The processes of an install: what each role wires together, and the supervisor that keeps them running."""
