"""The event log on JetStream: write with group commit, read by consumers, look back in time."""
