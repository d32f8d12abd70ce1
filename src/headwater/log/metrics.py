"""What the log counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

COMMIT_SECONDS = Histogram(
    "headwater_log_commit_seconds",
    "Time from taking a group of records until they are on disk",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
COMMIT_RECORDS = Histogram(
    "headwater_log_commit_records",
    "Records per group commit",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
)
COMMIT_FAULTS = Counter("headwater_log_commit_faults", "Attempts to commit that failed and were repeated", ["fault"])
DUPLICATES = Counter("headwater_log_duplicates", "Records that were in the log already")
