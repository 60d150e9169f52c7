"""Events written into numbered files, for systems that fetch files and answer no calls."""
