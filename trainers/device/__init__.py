"""The device a trainer runs on, and the precision it computes in."""
