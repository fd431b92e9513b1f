"""The pages on which people submit, watch, compare, and run the queues. They read what the API reads; every change that
a page makes is a call of the public API (docs/13-dashboard.md)."""
