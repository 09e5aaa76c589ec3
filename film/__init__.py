"""The physical model of scanned film: densities, grain, infrared leakage, mounts and damage.

Imports nothing of ours.
"""
