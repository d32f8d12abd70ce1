"""Profiles built anew from everything that was ever received, beside the live ones, which they then replace."""
