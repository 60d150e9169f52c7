"""Who may be proposed for a commendation (表彰), and what speaks against whom."""
