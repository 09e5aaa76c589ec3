"""`filmscand demo`, which `make run` calls: the main job end to end on a scratch station.

Simulates its frames, starts the program's own commands as processes, and shows what they made. May import every room
below the service; the service itself is started as a process.
"""
