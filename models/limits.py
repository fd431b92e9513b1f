"""Limits that the service and its trainers share. Trainers read this module on Python 3.8, so it imports nothing."""

# A black frame may make an image this many times larger. Beyond it most of what the networks see would be black.
MAX_FRAME_RATIO = 1.25

# One trainer may take this share of the memory of a machine or container. The system and the supervisor need the rest.
TRAINER_MEMORY_SHARE = 0.85
