"""Events as rows, metric points, and the Redis bus that publishes hints."""
