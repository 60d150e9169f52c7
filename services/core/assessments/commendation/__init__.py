"""Candidates for a commendation (表彰), and the objections to each."""
