"""Extractors of data sets: which one there is, and the job that makes one."""
