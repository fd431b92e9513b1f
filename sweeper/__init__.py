"""The sweeper: ends lost attempts, rings for waiting work, and runs periodic maintenance."""
