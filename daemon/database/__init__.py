"""The station's SQLite database: schema, frames, queue, candidates, sessions and alarms. SQL stands in this room only.

Imports core; the states and records of what it stores are defined beside the tables.
"""
