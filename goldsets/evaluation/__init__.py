"""Evaluation: measures, intervals, runs and sweeps."""
