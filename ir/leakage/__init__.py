"""The picture that leaks into the infrared: its model, the residual without it, and the noise of clean film there.

This room also decides whether the infrared can be used at all. It may import registration, planes, report and
statistics.
"""
