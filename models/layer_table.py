"""The layers of a job's networks: what a training stores as its `summary` and a page shows as tables.

For Python 3.8 and without pydantic, since a trainer writes it.
"""

import json
from dataclasses import asdict, dataclass

from models.typed_json import read_object


@dataclass(frozen=True)
class Layer:
    """A layer. ``output`` is the shape without the batch, such as ``64x7x7``; ``parameters`` counts trained numbers."""

    layer: str
    output: str
    parameters: int


@dataclass(frozen=True)
class Network:
    """A network with its leaves in the order of the forward pass."""

    name: str
    input: str
    layers: list[Layer]
    parameters: int


@dataclass(frozen=True)
class LayerTable:
    """All networks of a job."""

    networks: list[Network]


def write(table: LayerTable) -> bytes:
    """Return the bytes of the file."""
    return json.dumps(asdict(table), indent=1).encode()


def read(text: str) -> LayerTable:
    """Read the file.

    Raises:
        JSONTypeError: it is no layer table.
    """
    return read_object(text, "the layer table", LayerTable)
