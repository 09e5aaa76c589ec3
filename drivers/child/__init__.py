"""A scanner in a process of its own, which may crash, freeze or be killed: the process, and what is said to it.

What runs in the process is a `Device` of the driver. Imports drivers.scanner and drivers.base.
"""
