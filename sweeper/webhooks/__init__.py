"""Sends the messages of webhooks. Nothing else of the service connects to where users point."""
