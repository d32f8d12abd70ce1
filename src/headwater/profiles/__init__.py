"""Profiles: what the events say about one person.

An event becomes an `EventEffect` (`effects`), which a schema decides. Effects add up in fragments and links, links
decide which fragments belong together (`resolution`), and a profile is the fold of those fragments (`fold`).
Everything here that is not named a store is pure: values in, values out.
"""
