"""How much of the picture shows in the infrared, the residual without it, and the noise of clean film there.

Owns the judgement whether the infrared can be used at all. Imports registration and planes.
"""
