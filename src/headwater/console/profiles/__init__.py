"""What the pages of profiles show: who was found, what a profile holds and from where, and its identity as a picture."""
