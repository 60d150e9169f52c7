"""Sheets as files: read within bounds while they stream, and written. Knows no table of ours."""
