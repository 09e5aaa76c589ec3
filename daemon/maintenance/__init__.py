"""What a technician asks of a station: status, doctor, reclean, rebuild, seal, the report of a session.

Imports every room below the service.
"""
