"""The tables of the station's database, as SQL, and the copy of one whose tables are about to change.

Imports nothing of ours; only `database/connection.py` imports it.
"""
