"""Spreadsheet files: read as a stream within bounds, and written. Knows no table of ours."""
