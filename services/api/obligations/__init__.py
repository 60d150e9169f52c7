"""Routes and schemas of reporting obligations."""
