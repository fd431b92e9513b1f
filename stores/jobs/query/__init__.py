"""The language of `q=`: from a text to terms (grammar, fields), and from terms to SQL (conditions)."""
