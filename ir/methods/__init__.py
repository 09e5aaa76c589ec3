"""The methods that clean a frame: by infrared, by colours, or by both; `clean.py` chooses between them.

Owns the order of steps of each method. Imports every other room of `ir`.
"""
