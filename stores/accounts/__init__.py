"""Keys, sessions, quotas, and the audit of what their owners changed."""
