"""The sweeper: ends lost attempts, sends messages for waiting work, and runs periodic tasks."""
