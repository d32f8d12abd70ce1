"""Deliver the log's records to the integrations that are attached to their pipelines."""
