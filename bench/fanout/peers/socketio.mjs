// socket.io: `emit` to everyone once a second, over its WebSocket transport only.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const message = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
http.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(`port ${http.address().port}`));

function tick() {
  io.emit('equipment_status', { ...message, timestamp: new Date().toISOString() });
  plan();
}

// A timer may fire a little early; a tick never does.
function plan() {
  setTimeout(() => (Date.now() % 1000 > 900 ? plan() : tick()), 1000 - (Date.now() % 1000));
}
plan();
