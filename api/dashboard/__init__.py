"""The dashboard: pages for submitting, watching and comparing jobs, and for running the queues. Pages read through the
API's views, and every change is a call of the public API (docs/13-dashboard.md)."""
