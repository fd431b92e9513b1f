"""The documentation: its tables are generated from code, and its links and paths are checked."""
