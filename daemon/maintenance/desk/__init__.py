"""Where a command hands in what a person wants: at the running service, through its socket, or at the station itself.

A member of the group that may use the socket needs no right to write to the database. Without a running service, the
command does the work itself, which needs that right.
"""
