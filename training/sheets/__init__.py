"""Sheets: squares of simulated film to train on, each with its defect mask and the weight of each pixel.

Owns how a sheet is drawn (scene, emulsion, dirt, scanner, infrared), the photographs and outlines it is drawn from, and
the pool of sheets on disk. Needs no PyTorch. May import `filmscand.film` and `filmscand.ir`.
"""
