"""The board: links that show it to anyone with their address, and the reads of its pages."""
