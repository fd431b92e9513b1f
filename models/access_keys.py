"""Access keys, as the service makes them and the client recognises them. This module imports nothing."""

# Every key begins with this, so that logs and error messages recognise a key and hide it.
KEY_PREFIX = "gf_"
