"""Lineside: real-time equipment monitoring for the shop floor."""

__version__ = "0.1.0"
