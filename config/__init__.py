"""Data that comes with the program: the default station, recipes of scanners, film profiles."""
