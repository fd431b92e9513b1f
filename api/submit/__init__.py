"""From a request to a job that can be stored: names looked up, defaults filled in, a queue chosen."""
