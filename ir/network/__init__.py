"""The neural network: model files and their cards, the planes that it looks at, and running it tile by tile.

Imports detection, leakage and planes.
"""
