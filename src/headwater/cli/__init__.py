"""The command line: the only place that wires rooms together.

Each module here holds one command group. Groups are named by import path, so that `headwater log` does not load the
web framework and `headwater filterql` does not load the database driver.
"""
