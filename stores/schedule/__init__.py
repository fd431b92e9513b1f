"""The order of turns, the position and ETA of waiting jobs, and what was learned of memory and speed.

The claim itself is stores/jobs/claim.py.
"""
