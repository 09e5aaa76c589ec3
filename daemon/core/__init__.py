"""What every room of the service speaks of: errors, the name of a frame, kinds of film, exit status, waiting times.

Imports no other room of the service.
"""
