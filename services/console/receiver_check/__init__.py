"""The test cases of `wufei webhook check`, and how it judges a receiver's answers."""
