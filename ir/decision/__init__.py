"""Which regions are defects and which are the picture's. Imports network, detection, leakage and planes."""
