"""Which job runs next, where a waiting job stands, and when it may end."""
