"""A network of the test's own, with a cable that can be pulled (Linux, root, iproute2)."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from typing import Self

FIRST_ADDRESS = (198 << 24) + (18 << 16)  # 198.18.0.0/15: for tests of networks (RFC 2544)
SUBNETS = 2**15


@functools.cache
def why_not() -> str:
    """Return why there can be no network of one's own here; empty when there can."""
    if shutil.which("ip") is None:
        return "needs the `ip` command (iproute2)"
    try:
        with Cable():
            return ""
    except subprocess.CalledProcessError as error:
        return f"no network namespace can be made here: {error.stderr.decode().strip()}"


class Cable:
    """A pair of network cards: one end here, the other in a namespace of its own."""

    def __init__(self) -> None:
        number = os.getpid() % SUBNETS
        self.namespace = f"lineside-{os.getpid()}"
        self.here, self.there = (_dotted(FIRST_ADDRESS + 4 * number + end) for end in (1, 2))
        self._near, self._far = f"ls{number}a", f"ls{number}b"

    @property
    def words(self) -> list[str]:
        """What to put before a command to run it at the far end."""
        return ["ip", "netns", "exec", self.namespace]

    def __enter__(self) -> Self:
        _ip("netns", "add", self.namespace)
        try:
            _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far)
            _ip("link", "set", self._far, "netns", self.namespace)
            _ip("addr", "add", f"{self.here}/30", "dev", self._near)
            _ip("link", "set", self._near, "up")
            _ip("-n", self.namespace, "addr", "add", f"{self.there}/30", "dev", self._far)
            _ip("-n", self.namespace, "link", "set", self._far, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        # The near end goes with the far one, and the far one with its namespace.
        subprocess.run(["ip", "link", "del", self._near], check=False, capture_output=True)
        _ip("netns", "del", self.namespace)

    def pull(self) -> None:
        """Let nothing pass any more; neither end is told why."""
        _ip("-n", self.namespace, "link", "set", self._far, "down")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _dotted(address: int) -> str:
    return ".".join(str(octet) for octet in address.to_bytes(4, "big"))
