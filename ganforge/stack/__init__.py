"""The local stack: the real servers and the service's processes, as children of one command."""
