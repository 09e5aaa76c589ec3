"""The planes of a frame: conversion of counts to densities, mount and holder, and a sample of small tiles.

Of `ir` it may import errors, report, statistics and stopwatch alone.
"""
