"""What trainers write: kept in chunks while an attempt runs, as one artifact from its end on, and read as one text."""
