"""The numbered log as callers read it: by position, within their scope."""
