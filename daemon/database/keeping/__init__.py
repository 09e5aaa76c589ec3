"""What keeps the archive for a long time, as tables: the copies of sealed rolls at other places.

Imports the rest of the database's room.
"""
