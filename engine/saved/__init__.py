"""A snapshot in a file: what was found out, and the memory that leads to its variables."""
