"""What happened over time: each process's counters by minute in PostgreSQL, rolled up to longer steps, for charts and alarms."""
