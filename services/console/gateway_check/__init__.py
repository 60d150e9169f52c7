"""The test cases of `wufei gateway check`, sent to an installation as a partner."""
