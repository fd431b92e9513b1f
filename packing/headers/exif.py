"""Reads the orientation from EXIF data. What cannot be read is no reason to refuse a picture: it counts as upright."""

from __future__ import annotations

import struct

UPRIGHT = 1
_MARK = b"Exif\0\0"
_ORDERS = {b"II": "<", b"MM": ">"}
_ORIENTATION = 0x0112
_SHORT = 3


def orientation(data: bytes) -> int:
    """Return how the camera was held, 1 to 8."""
    data = data[len(_MARK) :] if data.startswith(_MARK) else data
    order = _ORDERS.get(data[:2])
    if order is None:
        return UPRIGHT
    try:
        (place,) = struct.unpack_from(order + "4xL", data)
        (count,) = struct.unpack_from(order + "H", data, place)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHLH", data, place + 2 + 12 * number)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and 1 <= value <= 8 else UPRIGHT
    except struct.error:
        pass  # cut off, or it points behind its end
    return UPRIGHT
