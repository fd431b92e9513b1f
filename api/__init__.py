"""HTTP in; JSON, event streams and pages out. Knows the stores, never the worker, the trainers or torch."""
