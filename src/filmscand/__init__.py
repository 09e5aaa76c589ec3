"""A service for film digitization stations: scans, removes dust and scratches, archives.

The folders below are symbolic links to the top level of the checkout (see CONTRIBUTING.md); a wheel holds real files.
"""
