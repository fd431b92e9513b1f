"""Generated requests against the running service: no crash, and no answer that the document does not describe."""
