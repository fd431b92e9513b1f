"""Changes of a file: bits, numbers in the place of lengths and sizes, pieces cut out, doubled or taken from another."""

from __future__ import annotations

import random
import struct
import zlib

_NUMBERS = (
    0,
    1,
    2,
    7,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 62,
    (1 << 64) - 1,
)
_MOST = 6  # changes of one file


def mutated(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Return the content with some changes, most of them where files keep their lengths: near the ends."""
    for _ in range(chance.randint(1, _MOST)):
        content = chance.choice(_CHANGES)(content, chance, others)
    return content


def mend_png(content: bytes) -> bytes:
    """Return a PNG with right checksums, so that a change gets past them."""
    made, place = bytearray(content[:8]), 8
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">L", content, place)
        body = content[place + 4 : place + 8 + length]
        made += content[place : place + 4] + body + struct.pack(">L", zlib.crc32(body))
        place += 12 + length
    return bytes(made + content[place:])


def _place(content: bytes, chance: random.Random) -> int:
    most = max(0, len(content) - 1)
    near = min(most, 64)
    return chance.choice([chance.randint(0, most), chance.randint(0, near), most - chance.randint(0, near)])


def _bit(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    place = _place(content, chance)
    return (
        content[:place] + bytes([(content[place] if content else 0) ^ 1 << chance.randrange(8)]) + content[place + 1 :]
    )


def _number(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    place, width = _place(content, chance), chance.choice([1, 2, 4, 8])
    number = chance.choice([*_NUMBERS, chance.getrandbits(16)]) & ((1 << 8 * width) - 1)
    return content[:place] + number.to_bytes(width, chance.choice(["little", "big"])) + content[place + width :]


def _digits(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    place = _place(content, chance)
    digits = chance.choice(
        [b"9" * chance.randint(1, 12), b"-1", b"00000000000", b"77777777777", b"\x80" + b"\xff" * 11]
    )
    return content[:place] + digits + content[place + len(digits) :]


def _cut(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    place = _place(content, chance)
    return content[:place] + content[place + chance.randint(1, 200) :]


def _end(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    return content[: _place(content, chance)]


def _double(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    place, length = _place(content, chance), chance.randint(1, 600)
    return (
        content[: place + length] + content[place : place + length] * chance.randint(1, 20) + content[place + length :]
    )


def _foreign(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    other, place = chance.choice(others), _place(content, chance)
    begin = chance.randint(0, len(other))
    return content[:place] + other[begin : begin + chance.randint(1, 400)] + content[place:]


def _noise(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    place, length = _place(content, chance), chance.randint(1, 40)
    return content[:place] + chance.randbytes(length) + content[place + length * chance.randint(0, 1) :]


_CHANGES = (_bit, _bit, _number, _number, _number, _digits, _cut, _end, _double, _foreign, _noise)
