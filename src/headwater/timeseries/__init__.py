"""What happened over time: each process's counters by minute in PostgreSQL, rolled up to hours, for charts and alarms."""
