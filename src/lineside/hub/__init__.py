"""The hub room."""
