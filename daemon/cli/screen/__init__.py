"""The screen of a person: lines, tables and progress bars that fit the terminal, with every text from outside escaped.

May import `core` only. `bars` loads much of rich, so a command imports it when it shows a bar.
"""
