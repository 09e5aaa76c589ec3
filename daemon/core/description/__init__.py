"""What people write about a frame, and which way up it is shown: the record, how it changes, and the forms of a date.

Imports nothing of ours: the records of the queue and of the archive hold a description.
"""
