"""The office's archives of evidence: asked for, made by a worker, kept for a while."""
