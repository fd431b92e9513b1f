"""Request and response models beyond the specs in models/; the OpenAPI document is generated from them."""
