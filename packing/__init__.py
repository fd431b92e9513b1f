"""Pictures in, one packed file out: uint8 pixels of one size that trainers map into memory. Knows no torch, no queue.

Uploads are packed by `python -m packing` in a process of its own; trainers pack the data sets that they find.
"""
