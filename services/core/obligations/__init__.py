"""Who owes which value by when: from opened periods, and what became of it."""
