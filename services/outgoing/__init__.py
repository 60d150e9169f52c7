"""The guarded way out, which both doors send by: it reaches checked addresses only."""
