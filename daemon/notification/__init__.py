"""Tells people of alarms and of finished sessions: through webhooks, commands and Apprise.

Owns what is told, when, and how it is sent; what was told is in `filmscand.daemon.database.alarms`. May import
maintenance and below.
"""
