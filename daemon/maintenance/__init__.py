"""Commands of a technician about a station: status, doctor, reclean, rebuild, seal, following and reporting a session.

Imports every room below the service.
"""
