"""What a county fills in: prefilled sheets that go out, and what comes back in them."""
