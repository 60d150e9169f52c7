"""Where subjects lost points, item by item and month by month."""
