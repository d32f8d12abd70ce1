"""The archive: every record of the log as Parquet files, by day and source, each exactly once.

A *cut* is what is archived together: the records after the archive's position up to some later one, as one file for each
day and source, and one transaction that writes the files into the manifest and moves the position. The *manifest* (in
PostgreSQL) is the truth: a file that is not in it does not count.
"""
