"""Audiences: who is in a FilterQL filter, live, with entries and exits as events."""
