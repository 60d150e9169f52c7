"""The feed: the numbered log as callers read it, by position and within their scope."""
