"""The command line, the Python client, and the local stack that runs the service on one machine."""
