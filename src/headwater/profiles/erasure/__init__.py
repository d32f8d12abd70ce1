"""Deletion of persons: out of profiles at once, out of the log and the archive as soon as the archiver has done it."""
