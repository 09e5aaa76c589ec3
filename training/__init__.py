"""Trains the detector for film that infrared cannot see through; run from the checkout. Not installed."""
