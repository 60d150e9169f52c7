"""The board: pages for people, and the links that show one. It decides nothing."""
