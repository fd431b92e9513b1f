"""Turns archives of pictures into packed files: uint8 pixels of one size, which trainers map. Needs no torch, no queue.

Uploads are packed by `python -m packing` in a process of its own; trainers pack the data sets that they find.
"""
