"""The tables of the station's database, as SQL. Imports nothing of ours; only `database/connection.py` imports it."""
