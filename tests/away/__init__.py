"""A receiver of webhooks that is away for real minutes, and a service that is killed meanwhile."""
