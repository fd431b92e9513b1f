"""Uploads of data sets: multipart parsing, spooling, packing in a separate process, previews."""
