"""Candidates: which pixels of the residual stand out, as connected regions. Imports leakage and planes."""
