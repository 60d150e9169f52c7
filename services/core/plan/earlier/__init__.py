"""What earlier versions of a plan say that the one in force does not."""
