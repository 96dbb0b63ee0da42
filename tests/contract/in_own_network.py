"""Runs a command beside the demo plant on port 8000 of a network of its own.

usage: python in_own_network.py COMMAND...   inside `unshare --net --map-root-user`

The contract's scripts name `localhost:8000`. In a network namespace of its own that port is free,
whatever else the machine serves. Prints the command's output; exits with its code.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def bring_up_loopback() -> None:
    """Bring up `lo`, which is down in a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(probe, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


def main() -> int:
    """Start the server, run the command, stop the server."""
    bring_up_loopback()
    words = [sys.executable, "-m", "lineside.cli", "run", "--demo", "--no-past", "--port", "8000"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        while "Open" not in (line := server.stdout.readline()):
            if not line:
                return 70
        return subprocess.run(sys.argv[1:], check=False).returncode
    finally:
        server.terminate()
        server.wait(60)


if __name__ == "__main__":
    sys.exit(main())
