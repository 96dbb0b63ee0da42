"""The configuration: the schema of lineside.toml and its loader."""

from lineside.config.crosscheck import DriverRules
from lineside.config.load import LoadedConfig, load_config

__all__ = ["DriverRules", "LoadedConfig", "load_config"]
