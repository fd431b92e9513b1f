"""The shapes of requests and answers beyond the specs in models/: the document is made from them."""
