"""The worker process: it wakes up, calls core and sleeps again. It decides nothing itself."""
