"""The HTTP server: gevent's, with limits of time and number, and with refusals in the form of all other answers."""
