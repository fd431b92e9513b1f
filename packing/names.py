"""Names inside an archive: which are safe, which are pictures, and which to ignore.

A name never becomes a path on this machine. One that tries to be one is refused all the same: whoever made it meant
harm, or used a broken program.
"""

from __future__ import annotations

import re

from models.messages import MemberFaults, Remedies
from packing.errors import refuse_file
from packing.limits import LONGEST_NAME

PICTURES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib"}
OTHER_PICTURES = {
    *(".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".ico", ".psd", ".tga"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".exr", ".hdr", ".dng", ".cr2", ".nef", ".arw", ".eps", ".pcx"),
}
ARCHIVES = {".zip", ".tar", ".tgz", ".gz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".7z", ".rar", ".lz4"}
# Files that operating systems add to folders.
JUNK = {"__macosx", "thumbs.db", "desktop.ini"}


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


def is_junk(parts: tuple[str, ...]) -> bool:
    """Return whether to ignore a member: it is hidden, or an operating system added it."""
    return any(part.startswith(".") or part.lower() in JUNK for part in parts)


def is_picture(parts: tuple[str, ...]) -> bool:
    """Return whether a member is a picture by its suffix; text files and the like are not.

    Raises:
        RefusedError: it is a picture of a kind that is not read here, or an archive in the archive.
    """
    name = "/".join(parts)
    _, dot, ending = parts[-1].lower().rpartition(".")
    suffix = dot + ending
    if suffix in ARCHIVES:
        raise refuse_file(name, MemberFaults.archive_inside(), Remedies.unpack_first())
    if suffix in OTHER_PICTURES:
        raise refuse_file(name, MemberFaults.other_picture(suffix=suffix), Remedies.convert())
    return suffix in PICTURES
