"""The board: links that show it to whoever has their address, and what is read for its pages."""
