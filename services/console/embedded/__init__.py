"""PostgreSQL and Valkey as child processes of this machine: found, made, started, kept running."""
