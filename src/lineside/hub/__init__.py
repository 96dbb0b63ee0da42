"""The hub: turns each snapshot into one frame per line and writes it to every subscriber."""
