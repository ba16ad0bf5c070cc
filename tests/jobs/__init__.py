"""Sweeps as jobs."""
