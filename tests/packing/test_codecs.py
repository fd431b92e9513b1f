"""HEIC and AVIF are read where their libraries are, and named with the library where they are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from packing.codecs import FORMATS
from packing.picture import decode, look
from tests.api.uploads.archives import picture
from tests.packing.trees import HEIC

# A machine without the libraries: a Python that is too old for them, or a Pillow that was built without AVIF.
_WITHOUT = """
import sys
sys.modules["pi_heif"] = None
from PIL import features
features.check = lambda _name: False
from packing.codecs import FORMATS
from packing.errors import DamagedError
from packing.picture import look
assert FORMATS == ("PNG", "JPEG", "WEBP", "BMP"), FORMATS
for name in sys.argv[1:]:
    try:
        look(open(name, "rb").read())
    except DamagedError as error:
        print(error)
"""


def test_both_are_read_here_upright_and_in_their_colours() -> None:
    assert FORMATS[-2:] == ("AVIF", "HEIF")
    assert (look(HEIC).size, look(HEIC).grey) == ((24, 16), False)
    image = decode(HEIC, 16, grey=False).image
    (red, _, little), (few, _, blue) = image.getpixel((2, 8)), image.getpixel((13, 8))
    assert (red > 150, little < 90, few < 90, blue > 150) == (True, True, True, True)
    avif = picture(1, (40, 20), kind="AVIF")
    assert look(avif).size == (40, 20)
    assert decode(avif, 16, grey=True).image.mode == "L"


def test_a_machine_without_the_libraries_names_them(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(HEIC)
    (tmp_path / "b.avif").write_bytes(picture(kind="AVIF"))
    (tmp_path / "c.png").write_bytes(picture())
    (tmp_path / "d.heic").write_bytes(HEIC.replace(b"ftypheic", b"ftypheis"))
    names = [str(path) for path in sorted(tmp_path.iterdir())]
    told = subprocess.run([sys.executable, "-c", _WITHOUT, *names], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [
        f"is in a format that needs the package {library}, which this server does not have"
        for library in ("pi-heif", "Pillow", "pi-heif")
    ]
