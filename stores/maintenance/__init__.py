"""Periodic work of the sweeper: retention, orphans."""
