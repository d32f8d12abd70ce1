"""A year of real shopping, replayed as events through the front door."""
