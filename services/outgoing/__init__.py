"""The guarded HTTP client of the API and the worker: it reaches checked addresses only."""
