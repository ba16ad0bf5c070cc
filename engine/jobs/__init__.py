"""Sweeps as jobs: a file says what to walk, a folder holds what is done, and whatever stops the job, it goes on from there."""
