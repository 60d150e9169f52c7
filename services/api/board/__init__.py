"""The board: HTML pages for people, and the links that open it. It makes no domain decisions."""
