"""Routes and schemas of users, posts, sessions and sign-ins."""
