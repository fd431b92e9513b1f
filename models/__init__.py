"""Rows and shared values: what every part of the service must agree on. A "model" here is a row, never a network."""
