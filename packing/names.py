"""Which files of a folder or an archive are pictures, which are ignored, and which names are safe.

Uploaded folders, archives and data roots all go by these rules. A name in an archive never becomes a path on this
machine. One that tries to be one is refused all the same: whoever made it meant harm, or used a broken program.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum

from models.messages import MemberFaults, Remedies
from packing.errors import refuse_file
from packing.limits import LONGEST_NAME

PICTURES = frozenset(
    {
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".mpo", ".webp", ".bmp", ".dib"),
        *(".avif", ".heic", ".heif", ".hif"),
    }
)
OTHER_PICTURES = frozenset(
    {
        *(".gif", ".tif", ".tiff", ".jp2", ".jxl", ".svg", ".ico", ".psd", ".tga", ".avifs", ".heics"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".exr", ".hdr", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"),
        *(".raf", ".eps", ".pcx", ".xcf"),
    }
)
ARCHIVES = frozenset(
    {".zip", ".tar", ".tgz", ".gz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".7z", ".rar", ".lz4"},
)
# Files and folders that operating systems, file managers and network drives add. Hidden ones need no entry.
JUNK = frozenset(
    {
        *("__macosx", "icon\r", "network trash folder", "temporary items", "lost+found"),  # macOS, Linux
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini"),  # Windows
        *("$recycle.bin", "system volume information"),
        *("@eadir", "#recycle", "@recycle", "@tmp", "#snapshot"),  # Synology and QNAP
    }
)
HEIC_BRANDS, AVIF_BRAND = (b"heic", b"heix", b"heim", b"heis", b"mif1"), b"avif"
# How pictures begin, and from which byte on.
_BEGINNINGS = (
    (0, b"\x89PNG\r\n\x1a\n"),
    (0, b"\xff\xd8\xff"),
    (8, b"WEBP"),
    (0, b"BM"),
    *((4, b"ftyp" + brand) for brand in (*HEIC_BRANDS, AVIF_BRAND)),
)
HEAD = 16  # bytes that tell a picture


class Kind(Enum):
    """What a file is by its name."""

    PICTURE = "picture"
    OTHER_PICTURE = "other picture"  # of a kind that is not read here
    ARCHIVE = "archive"
    UNNAMED = "unnamed"  # no suffix: its first bytes tell
    OTHER = "other"


def kind_of(name: str) -> Kind:
    """Return what a file is by the suffix of its name."""
    suffix = suffix_of(name)
    if not suffix:
        return Kind.UNNAMED
    for kind, suffixes in ((Kind.PICTURE, PICTURES), (Kind.OTHER_PICTURE, OTHER_PICTURES), (Kind.ARCHIVE, ARCHIVES)):
        if suffix in suffixes:
            return kind
    return Kind.OTHER


def suffix_of(name: str) -> str:
    """Return the last suffix of a name with its dot, in small letters; nothing if there is none."""
    _, dot, ending = name.rpartition("/")[2].lower().rpartition(".")
    return dot + ending if dot else ""


def begins_as_picture(head: bytes) -> bool:
    """Return whether a file's first bytes are those of a picture that is read here."""
    return any(head[at : at + len(magic)] == magic for at, magic in _BEGINNINGS)


def is_junk(name: str) -> bool:
    """Return whether to ignore a file or folder of this name: it is hidden, or an operating system added it."""
    return name.startswith(".") or name.lower() in JUNK


def normal(name: str) -> str:
    """Return a name in its normal form: macOS writes letters and their accents one after the other."""
    return unicodedata.normalize("NFC", name)


def checked(name: str) -> tuple[str, ...]:
    """Return the parts of a member's name.

    Raises:
        RefusedError: the name leads out of the archive, or could on some machine.
    """
    if "\0" in name:
        raise refuse_file(name.replace("\0", "\\0"), MemberFaults.nul_in_name(), Remedies.repack())
    if len(name) > LONGEST_NAME:
        raise refuse_file(name, MemberFaults.long_name(count=LONGEST_NAME), Remedies.repack())
    if "\\" in name:
        raise refuse_file(name, MemberFaults.backslash_in_name(), Remedies.repack())
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        raise refuse_file(name, MemberFaults.absolute_path(), Remedies.repack())
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if ".." in parts:
        raise refuse_file(name, MemberFaults.leads_out(), Remedies.repack())
    return parts
