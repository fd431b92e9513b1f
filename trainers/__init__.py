"""Networks and methods: one process per attempt, which knows no queue, no HTTP and no database.

Nothing here imports the rest of the service at run time: a Jetson runs this folder alone, on Python 3.8 with
torch 1.13.
"""
