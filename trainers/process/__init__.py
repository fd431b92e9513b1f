"""The trainer as a process: its spec, its messages, its errors."""
