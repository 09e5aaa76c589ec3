"""Sections of the configuration that have a module of their own. Imports the configuration's base, and core."""
