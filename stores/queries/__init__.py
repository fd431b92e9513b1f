"""Read-only views of jobs for lists, pages and metrics."""
