"""Audiences: who is in which one, at every moment.

An audience is a filter (`objects`, `definition`, `store`). All of them together, compiled, are an `AudienceSet`: it says
which audiences a changed profile must be asked again (`operands`, `clauses`) and when time alone must ask. The observer
takes part in the builder's transaction, the scheduler wakes profiles when their moment comes, the filler asks all
profiles about a new or changed filter. Entries and exits are kept as history and leave as events.
"""
