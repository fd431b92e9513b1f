"""Workers and queues: who serves what, and how much fits on it."""
