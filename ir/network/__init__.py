"""The neural network: model files and their cards, the network's inputs, and running it tile by tile.

Imports detection, leakage and planes.
"""
