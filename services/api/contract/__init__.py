"""The contract of the HTTP API: what routes say of themselves, made into one OpenAPI document."""
