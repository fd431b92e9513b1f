"""What every route is made of: access, reading requests, problems, pages of lists, the OpenAPI document."""
