"""What earlier versions of a plan say differently from the one in force."""
