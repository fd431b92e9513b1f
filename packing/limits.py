"""Limits of an upload: generous for data sets, far too low for decompression bombs."""

from __future__ import annotations

# Of the archive.
MOST_MEMBERS = 1_000_000
MOST_UNPACKED = 64 << 30  # bytes that come out of it, all members together
MOST_RATIO = 200  # unpacked bytes per packed byte, ...
RATIO_FROM = 100 << 20  # ... after this many unpacked bytes: small archives of plain pictures compress well
MOST_MEMBER = 64 << 20  # bytes of one file
MOST_FOLDERS = 20_000  # a data set has far fewer, and their names are held in memory
LONGEST_NAME = 1024

# Of its pictures. What a decoder holds of them fits into MEMORY, beside Python, Pillow and the file itself.
MOST_PIXELS = 50_000_000  # 4 to 6 bytes each
MOST_PIXELS_OF_FOUR = 40_000_000  # with four channels (transparency, CMYK): 8 bytes each
MOST_PIXELS_OF_WEBP = 25_000_000  # 16 bytes each: its decoder holds two canvases; AVIF and HEIC as much
MOST_PIXELS_OF_JPEG = 250_000_000  # cameras make such; they are decoded at a half, a quarter or an eighth
MOST_SCANS = 500  # of a JPEG: each goes over all pixels; encoders make about ten
MOST_SIDE = 65_535  # pixels; decoders hold whole rows
MOST_HELD = 400_000_000  # bytes for the pixels of one picture
SMALLEST, LARGEST = 8, 1024  # pixels a side of what is stored
DEFAULT_SIZE = 64  # for pictures that are not all squares of one size

# Of the data set.
FEWEST_IMAGES = 16  # fewer than this are too few to train on
FEWEST_IN_A_CLASS = 2  # a single picture has no variation
MOST_CLASSES = 1000
LONGEST_CLASS = 100
HELD_OUT = 10  # of a class with at least so many pictures, every tenth is kept for judging a classifier
MOST_PACKED = 5_000_000_000  # what one PUT to an object store may carry

# Of the process. Python, Pillow and its libraries take 57 MB of addresses before the first picture.
MEMORY = 512 << 20
CPU_S = 60
# Seconds of CPU for each MB of the archive: 100,000 pictures in 785 MB need 45 s, tiny ones up to 2 s per MB.
CPU_S_PER_MB = 3
NICE = 10
MAX_NAMED_FILES = 20  # damaged files that a refusal names
