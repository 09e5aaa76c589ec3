"""The service: queue, sessions, watch folders, archive and command line; the only folder that composes the others.

It imports `drivers`, `ir`, `film` and `config`; nothing else imports it. Its rooms import downwards only: cli, service,
maintenance and evaluation, then ingest, scanning and cleaning, then archive, database, station, core.
"""
