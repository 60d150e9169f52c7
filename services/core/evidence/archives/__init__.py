"""The office's archives of evidence: requested, made by a worker, deleted after a while."""
