"""Packages: files that carry approved figures to an offline installation, and receipts back."""
