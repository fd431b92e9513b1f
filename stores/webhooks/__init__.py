"""Webhooks: who is told what, which messages that makes, and what became of each."""
