"""File drops: events in numbered files, for systems that fetch files and answer no calls."""
