#!/bin/sh
# `mc ready local`: whether the server answers; a refusal is an answer.
exec python3 -c "import socket; socket.create_connection(('127.0.0.1', 9000), 2)"
