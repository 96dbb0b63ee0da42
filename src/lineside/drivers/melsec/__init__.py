"""The melsec room."""
