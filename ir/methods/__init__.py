"""The methods by which a frame is cleaned: by infrared, by colours, or by both; `clean.py` chooses between them.

Imports every other room of `ir`.
"""
