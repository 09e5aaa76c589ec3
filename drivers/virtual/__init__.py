"""A simulated film scanner that speaks SANE's network protocol, for tests and demonstrations.

Imports drivers.files and drivers.base, and `film` for simulated slides.
"""
