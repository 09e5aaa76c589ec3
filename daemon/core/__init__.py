"""What every room of the service uses: errors, frame ids, kinds of film, exit status, process ids, waiting times.

Imports no other room of the service.
"""
