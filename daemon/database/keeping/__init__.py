"""What the station knows of how its archive is kept: when each part was read back, and what was found damaged.

Imports the queue's rows and the core.
"""
