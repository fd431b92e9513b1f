"""The number of files that a process may open, of which every connection needs one."""

from __future__ import annotations

import resource
import sys

# Database, broker, object store, files being sent or received, and the descriptors of gevent and gunicorn.
OTHERS = 1000


def allow_open_files(connections: int) -> None:
    """Raise the soft limit to what this many connections need; warn where the hard limit is lower."""
    needed = connections + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        if wanted < needed:
            sys.stderr.write(f"this process may open {wanted} files and may need {needed}: raise its hard limit\n")
