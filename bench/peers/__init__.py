"""Peers: the methods that filmscand is compared with, each behind one call.

Owns the common fills and filters, and sane-backends' infrared cleaner, which is downloaded and compiled on demand. May
import `bench.measures`, `filmscand.film` and `filmscand.ir`.
"""
