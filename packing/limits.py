"""Limits of an upload: generous for data sets, far too low for decompression bombs."""

from __future__ import annotations

# Of the archive.
MOST_MEMBERS = 1_000_000
MOST_UNPACKED = 64 << 30  # bytes that come out of it, all members together
MOST_RATIO = 200  # unpacked bytes per packed byte, ...
RATIO_FROM = 100 << 20  # ... after this many unpacked bytes: small archives of plain pictures compress well
MOST_MEMBER = 64 << 20  # bytes of one file
LONGEST_NAME = 1024

# Of its pictures.
MOST_PIXELS = 50_000_000
SMALLEST, LARGEST = 8, 1024  # pixels a side of what is stored
DEFAULT_SIZE = 64  # for pictures that are not all squares of one size

# Of the data set.
FEWEST_IMAGES = 16  # fewer than this are too few to train on
FEWEST_IN_A_CLASS = 2  # a single picture has no variation
MOST_CLASSES = 1000
LONGEST_CLASS = 100
HELD_OUT = 10  # of a class with at least so many pictures, every tenth is kept for judging a classifier
MOST_PACKED = 5_000_000_000  # what one PUT to an object store may carry

# Of the process.
MEMORY = 2 << 30
CPU_S = 3600
NICE = 10
MAX_NAMED_FILES = 20  # damaged files that a refusal names
