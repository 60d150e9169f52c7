"""Routes of evidence: uploading, inspecting and downloading files."""
