"""Files that carry approved figures to an installation without a network, and receipts back."""
