"""Routes and schemas of scoreboards, series and traces."""
