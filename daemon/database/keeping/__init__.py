"""How the archive is kept for a long time: when each part was read back and what was damaged, and the copies elsewhere.

Imports the rest of the database's room.
"""
