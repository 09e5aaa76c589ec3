"""Decides which candidate regions are defects and which belong to the picture.

Owns the candidates, their features, the classifier, and what healing knows of defects' slopes. Imports network,
detection, leakage and planes.
"""
