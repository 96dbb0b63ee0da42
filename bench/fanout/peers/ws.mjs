// Node's `ws`: one string a second, sent to each client in turn. No compression.
import { readFileSync } from 'node:fs';
import { WebSocketServer } from 'ws';

const message = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096, perMessageDeflate: false });
server.on('listening', () => console.log(`port ${server.address().port}`));

function tick() {
  const data = Buffer.from(JSON.stringify({ ...message, timestamp: new Date().toISOString() }));
  for (const client of server.clients) {
    if (client.readyState === client.OPEN) client.send(data, { binary: false });
  }
  plan();
}

// A timer may fire a little early; a tick never does.
function plan() {
  setTimeout(() => (Date.now() % 1000 > 900 ? plan() : tick()), 1000 - (Date.now() % 1000));
}
plan();
