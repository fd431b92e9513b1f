"""Server-sent events: one listener on the bus, and the streams of one job or one account."""
