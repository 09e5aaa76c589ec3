"""Decides which candidate regions are defects and which belong to the picture.

Owns the rules for a detector's regions, the log odds of infrared regions, and the tints of film without colour.
Imports network, detection, leakage and planes.
"""
