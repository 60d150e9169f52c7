"""Obligations: who owes which value by when, from opened periods, and whether it came."""
