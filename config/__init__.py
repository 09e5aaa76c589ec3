"""Data that comes with the program: the default configuration of a station and the recipes of scanners.

Contains no code and imports nothing.
"""
