"""The configuration: the schema of lineside.toml and its loader."""
