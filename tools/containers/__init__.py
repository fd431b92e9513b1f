"""The service in real containers, tried with podman and buildah."""
