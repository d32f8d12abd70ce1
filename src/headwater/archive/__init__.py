"""The long-term archive: every record of the log as Parquet files, for rebuilding, replaying and training."""
