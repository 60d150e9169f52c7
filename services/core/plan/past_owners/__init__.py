"""Which units reported an indicator by earlier versions of a plan."""
