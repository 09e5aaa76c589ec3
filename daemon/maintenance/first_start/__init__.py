"""`filmscand setup`: whose station it is, what shall be where, what is there already, and what has to be done.

Asks nothing and prints nothing: the command line does. Imports the rest of `daemon/maintenance/`.
"""
