"""The store: profiles in PostgreSQL, and the one transaction that changes them.

generations   where the tables are
bodies        how components and fragments are written as bytes
gathering     pure: which component an effect belongs to, what splits and joins
builder       a batch of effects into the tables, all or nothing
"""
