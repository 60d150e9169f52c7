"""Routes of long-running operations that a caller started."""
