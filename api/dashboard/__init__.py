"""The dashboard: pages to submit, follow and compare jobs, and to operate queues. Pages read through the same views as
the API, and make every change by a call of the public API (docs/13-dashboard.md)."""
