"""The configuration: the schema of lineside.toml, its loader and its manual.

What may be used from outside stands here and in `schema`.
"""

from lineside.config.crosscheck import DriverRules
from lineside.config.load import LoadedConfig, load_config
from lineside.config.manual import config_json_schema, reference_markdown
from lineside.config.template import template
from lineside.config.watch import ConfigWatcher

__all__ = [
    "ConfigWatcher",
    "DriverRules",
    "LoadedConfig",
    "config_json_schema",
    "load_config",
    "reference_markdown",
    "template",
]
