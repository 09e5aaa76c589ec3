"""What all scanners have in common: protocol, requests, errors, recipes, and the record of the slide in the gate.

Imports drivers.base, and reads the recipes in `config/scanners/`.
"""
