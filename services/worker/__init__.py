"""The clock door: wakes up, calls core, goes back to sleep. Decides nothing."""
