"""Reads the orientation from EXIF data. What cannot be read is no reason to refuse a picture: it counts as upright."""

from __future__ import annotations

import struct

UPRIGHT = 1
MARK = b"Exif\0\0"
_ORDERS = {b"II": "<", b"MM": ">"}
ORIENTATION = 0x0112
_NUMBERS = {1: "B", 3: "H", 4: "L"}  # the standard says the second; programs write the others too


def orientation(data: bytes) -> int:
    """Return how the camera was held, 1 to 8."""
    data = data[len(MARK) :] if data.startswith(MARK) else data
    order = _ORDERS.get(data[:2])
    if order is None:
        return UPRIGHT
    try:
        (place,) = struct.unpack_from(order + "4xL", data)
        (count,) = struct.unpack_from(order + "H", data, place)
        for number in range(count):
            entry = place + 2 + 12 * number
            tag, kind = struct.unpack_from(order + "HH", data, entry)
            if tag == ORIENTATION and kind in _NUMBERS:
                (value,) = struct.unpack_from(order + _NUMBERS[kind], data, entry + 8)
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass  # cut off, or it points behind its end
    return UPRIGHT
