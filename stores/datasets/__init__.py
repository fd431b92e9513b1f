"""Data sets: built in, found on disk, uploaded; and their previews."""
