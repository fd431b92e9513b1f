"""The local stack: the real servers and the service's own processes, as children of one command."""
