"""Shared parts of all routes: access, request parsing, errors, pagination, the OpenAPI document."""
