"""Database, broker and object store clients, settings and logs, used by the other stores."""
