"""The layouts of data sets, one module each. Every `LAYOUT` in this package is found here."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from packing.layouts.base import AnyLayout, ArrayLayout, KnownDataset, PictureLayout


def _discover() -> dict[str, AnyLayout]:
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    candidates = (vars(module).get("LAYOUT") for module in modules)
    found = [layout for layout in candidates if isinstance(layout, (PictureLayout, ArrayLayout))]
    return {layout.name: layout for layout in sorted(found, key=lambda layout: (layout.position, layout.name))}


LAYOUTS = _discover()

# Every data set that is known by name, in every layout that it is known in, the preferred one first.
FORMS = tuple(known for layout in LAYOUTS.values() for known in layout.known)
KNOWN: dict[str, KnownDataset] = {known.name: known for known in reversed(FORMS)}
