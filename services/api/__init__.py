"""The HTTP door: parses, authorises, calls core, renders. Decides nothing."""
