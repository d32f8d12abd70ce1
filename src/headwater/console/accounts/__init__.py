"""People of the console: who they are, what they may do, how they get in. Loads no web framework: the CLI uses it, too."""
