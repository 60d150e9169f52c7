"""The contract of the HTTP API: one OpenAPI document built from the routes."""
