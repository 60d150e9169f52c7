"""The product: rules, tables and transactions. It knows neither HTTP nor the queue."""
