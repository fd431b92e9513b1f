"""Tools for developers: what `make lint` and `make docs` run beside the tools from the package index."""
