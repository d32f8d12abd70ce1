"""What building profiles counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter("headwater_profiles_records", "Records taken from the log")
APPLIED = Counter("headwater_profiles_applied", "Messages that were applied to profiles")
REPEATED = Counter("headwater_profiles_repeated", "Messages that had been applied before")
WRITTEN = Counter("headwater_profiles_written", "Profiles written, each time that one is")
DROPPED = Counter(
    "headwater_profiles_dropped",
    "What did not go into profiles, by kind, field and reason",
    ["kind", "field", "reason"],
)
FAULTS = Counter("headwater_profiles_faults", "Batches that failed and were tried again, by cause", ["cause"])
PARTITIONS = Gauge("headwater_profiles_partitions", "Partitions of the log that this process works on")
LAG = Gauge("headwater_profiles_lag", "Records of the log that are not in profiles yet")
COMMIT_SECONDS = Histogram(
    "headwater_profiles_commit_seconds",
    "Time of one transaction",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
LATENCY_SECONDS = Histogram(
    "headwater_profiles_latency_seconds",
    "From in the log to visible in a profile, of the oldest record of each batch",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.15, 0.3, 0.6, 1, 2, 5, 10, 30, 60, 300, 3600),
)
