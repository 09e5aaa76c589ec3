"""Nikon Coolscans driven through the package nkscan, each in a process of its own, which can be killed.

Imports drivers.child, drivers.scanner and drivers.base.
"""
