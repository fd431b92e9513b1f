"""Uploads of data sets: multipart parsing, spooling, packing in a process of its own, previews."""
