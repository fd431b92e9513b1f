"""What one key, or none, can do to the others: each attack runs against a service of its own on a small disk."""
