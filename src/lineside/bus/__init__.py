"""The bus: hands snapshots and state changes on."""

from lineside.bus.memory import MemoryBus

__all__ = ["MemoryBus"]
