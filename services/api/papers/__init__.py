"""The paths of papers that leave the office."""
