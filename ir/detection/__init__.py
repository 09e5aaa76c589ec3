"""Candidate regions: connected pixels where the residual exceeds the noise. May import leakage and planes."""
