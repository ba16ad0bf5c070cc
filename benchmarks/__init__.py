"""What a sceptic runs: the same work, side by side, in one process."""
