"""Decodes and scales pictures into a packed file, on all cores and in order."""

from __future__ import annotations

import collections
import io
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, NamedTuple, Tuple

import PIL
from PIL import Image, ImageOps

from models.limits import MAX_FRAME_RATIO
from models.messages import DataFaults, Logs, Message
from packing.codecs import FORMATS
from packing.layouts import LAYOUTS
from packing.layouts.base import Content, Picture, Raw
from packing.packed import PackedWriter
from packing.picture import from_planes
from trainers.data import digest, face_detection
from trainers.data.digest import PicturesDigest
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.data.images import Images
    from trainers.process.spec import DatasetSpec

_SAY_EVERY_S = 10.0


Parts = Iterable[Tuple[str, Iterable[Picture]]]


class Squaring(NamedTuple):
    """How a picture becomes a square: unchanged, with a black frame, scaled by its shorter side and cropped, or
    squashed.
    """

    channels: int
    size: int
    crop: str
    as_it_is: bool
    frame: bool

    @classmethod
    def of(
        cls, dataset: DatasetSpec, size: int, crop: str, say: Callable[[Message], None] | None, *, frame: bool = True
    ) -> Squaring:
        """Choose by the shape of the data set. Without a face detector, ``say`` gets a note and the middle is used."""
        if crop not in ("center", "face", "squash"):
            raise InvalidDatasetError(DataFaults.unknown_crop(crop=repr(crop)))
        if crop == "face" and not face_detection.available():
            crop = "center"
            if say is not None:
                say(Logs.no_face_detector())
        channels, *sides = dataset.shape
        # Scaling would blur small images. Large ones are scaled, because they lose little.
        framed = dataset.layout == "packed" or LAYOUTS[dataset.layout].small_images
        small = frame and framed and max(sides) <= size <= MAX_FRAME_RATIO * min(sides)
        native = sides == [size, size]
        as_it_is = native and crop in ("center", "squash")
        return cls(channels, size, crop, as_it_is, small and not native and crop == "center")


def arrays(parts: dict[str, Images]) -> Parts:
    """Return images in memory as pictures to scale."""
    for part, images in parts.items():
        yield part, _one_by_one(part, images)


def square(picture: Picture, squaring: Squaring) -> bytes:
    """Decode a picture, make it square, and return its channels one after the other.

    Raises:
        InvalidDatasetError: it is missing or damaged, or of a kind that is not read.
    """
    try:
        image = _decoded(picture.content, squaring)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow's messages name files inconsistently, so this one names the file.
        raise InvalidDatasetError(
            DataFaults.picture_unreadable(name=picture.name, formats=", ".join(FORMATS), error=type(error).__name__)
        ) from error
    return b"".join(band.tobytes() for band in _fitted(image, squaring).split())


def _decoded(content: Content, squaring: Squaring) -> Image.Image:
    mode = "L" if squaring.channels == 1 else "RGB"
    if isinstance(content, Raw):
        return from_planes(content.pixels, content.shape)
    with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content, formats=FORMATS) as image:
        if squaring.crop == "center" and not squaring.frame:
            # Large JPEGs can be decoded at a fraction of their size: here at three times the target size or more.
            image.draft(mode, (3 * squaring.size, 3 * squaring.size))
        image.load()
        return ImageOps.exif_transpose(image).convert(mode)


def _fitted(image: Image.Image, squaring: Squaring) -> Image.Image:
    if squaring.frame:
        framed = Image.new(image.mode, (squaring.size, squaring.size))
        framed.paste(image, ((squaring.size - image.width) // 2, (squaring.size - image.height) // 2))
        return framed
    if squaring.crop == "squash":
        # Both sides by themselves, with the filter of CycleGAN's code.
        return image.resize((squaring.size, squaring.size), Image.Resampling.BICUBIC)
    if squaring.crop == "face":
        box = face_detection.find(image)
        if box is not None:
            image = image.crop(box)
    shorter = min(image.size)
    if shorter != squaring.size:
        width, height = [max(squaring.size, round(side * squaring.size / shorter)) for side in image.size]
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    left, top = (image.width - squaring.size) // 2, (image.height - squaring.size) // 2
    return image.crop((left, top, left + squaring.size, top + squaring.size))


def _one_by_one(part: str, images: Images) -> Iterator[Picture]:
    for n in range(len(images.pixels)):
        label = None if images.labels is None else int(images.labels[n])
        pixels = images.pixels[n]  # (channels, height, width)
        yield Picture(f"picture {n} of {part}", Raw(pixels.numpy().tobytes(), pixels.shape), label)


def write(
    path: Path,
    dataset: DatasetSpec,
    squaring: Squaring,
    parts: Parts,
    say: Callable[[Message], None] | None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Decode every picture into a packed file, which is renamed when it is complete. It holds the pictures' digest.

    ``say`` hears every few seconds how far that is, and ``alive`` is called for each picture.

    Raises:
        InvalidDatasetError: a picture is missing or damaged, or there are more or fewer than were listed.
    """
    tell = _Progress(dataset.name, squaring.size, sum(dataset.parts.values()), say)
    workers = min(8, len(os.sched_getaffinity(0)))
    shape = (squaring.channels, squaring.size, squaring.size)
    with _strict(), ThreadPoolExecutor(workers) as pool, PackedWriter(path, shape, tuple(dataset.classes)) as writer:
        content = PicturesDigest()
        for part, pictures in parts:
            for label, (pixels, picture) in _in_order(pool, pictures, squaring, 4 * workers):
                writer.add(part, pixels, label)
                content.add(part, label, picture)
                tell.one_more()
                alive()
        if writer.counts != dict(dataset.parts):
            raise InvalidDatasetError(
                DataFaults.other_counts(name=dataset.name, counts=_words(writer.counts), parts=_words(dataset.parts))
            )
        writer.finish(source=dataset.name, crop=squaring.crop, content=content.hex(), pillow=PIL.__version__)


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {part}" for part, count in counts.items()) or "no"


def _in_order(
    pool: ThreadPoolExecutor, pictures: Iterable[Picture], squaring: Squaring, ahead: int
) -> Iterator[tuple[int | None, tuple[bytes, bytes]]]:
    """Yield label, and pixels and digest of each picture, in order.

    They are decoded on several cores, a few pictures ahead. Only these few are in memory.
    """
    under_way: Any = collections.deque()
    for picture in pictures:
        under_way.append((picture.label, pool.submit(_square_and_digest, picture, squaring)))
        if len(under_way) >= ahead:
            label, prepared = under_way.popleft()
            yield label, prepared.result()
    while under_way:
        label, prepared = under_way.popleft()
        yield label, prepared.result()


def _square_and_digest(picture: Picture, squaring: Squaring) -> tuple[bytes, bytes]:
    return square(picture, squaring), digest.of_picture(picture.content)


@contextmanager
def _strict() -> Iterator[None]:
    """Refuse decompression bombs; ignore warnings about harmless tags."""
    # Around all threads, because warning filters apply to the whole process.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


class _Progress:
    """Reports progress every few seconds."""

    def __init__(self, name: str, size: int, total: int, say: Callable[[Message], None] | None) -> None:
        self.name, self.size, self.total, self.say = name, size, total, say
        self.done = 0
        self.next = time.monotonic() + _SAY_EVERY_S
        if say is not None:
            say(Logs.preparing(name=name, size=size, total=total))

    def one_more(self) -> None:
        self.done += 1
        if self.say is not None and time.monotonic() >= self.next:
            self.next = time.monotonic() + _SAY_EVERY_S
            self.say(Logs.prepared(name=self.name, size=self.size, done=self.done, total=self.total))
