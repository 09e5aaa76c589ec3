"""The doors by which requests come in: this machine's loopback, the local socket, and the network.

A door tells which names and which origin are its own, and who is there. It imports nothing of the routes.
"""
