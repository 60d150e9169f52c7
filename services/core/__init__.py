"""The product: rules, tables and transactions. Knows no HTTP and no queue."""
