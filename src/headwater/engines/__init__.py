"""Start NATS and PostgreSQL from their wheels, or reach them by URL; keep processes alive."""
