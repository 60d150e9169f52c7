"""The test cases of `wufei connector check`, sent to a superior's platform."""
