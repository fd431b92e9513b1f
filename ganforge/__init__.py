"""What a person runs: the command line, the Python client, and the stack that starts the service on one machine."""
