"""The model of scale: the cost of a frame, the rates of queue and scheduler on empty frames, and what follows of them.

Imports measures and frames.
"""
