"""The station's page and its API, read-only: a web server inside the service for this machine's browsers and programs.

`server` runs it in a thread of its own, `app` puts the routes together, `guard` refuses what must not come in.
"""
