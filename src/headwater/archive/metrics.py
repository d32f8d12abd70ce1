"""What the archive counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

POSITION = Gauge("headwater_archive_position", "Sequence of the log up to which everything is archived")
LAG_RECORDS = Gauge("headwater_archive_lag_records", "Records of the log that are not archived yet")
LAG_SECONDS = Gauge("headwater_archive_lag_seconds", "Age of the oldest record of the log that is not archived yet")
MARGIN_RECORDS = Gauge(
    "headwater_archive_margin_records",
    "Archived records that the log forgets before the first one that is not archived",
)
ROWS = Counter("headwater_archive_rows", "Records written into files")
BYTES = Counter("headwater_archive_bytes", "Bytes of files written, compressed")
FILES = Counter("headwater_archive_files", "Files written")
MISSING = Counter(
    "headwater_archive_missing", "Records that reached no file though nobody asked to forget them", ["reason"]
)
JOINED = Counter("headwater_archive_joined_files", "Small files that were joined into larger ones")
FORGOTTEN = Counter("headwater_archive_forgotten", "Steps of forgetting: records taken out of the log, or of the files")
FAULTS = Counter("headwater_archive_faults", "Attempts that failed and are repeated", ["fault"])
