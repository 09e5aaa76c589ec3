"""Frames to measure on: pictures, the suite of all kinds of film, a second film with damage, large frames, scan files.

Owns everything that a bench needs before it measures. May import `filmscand.film`.
"""
