"""Events as rows, their metric points, and the Redis bus that hints at them."""
