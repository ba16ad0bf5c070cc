"""What every table that comes in has in common: how its times are spelled."""
