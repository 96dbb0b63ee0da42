/**
 * Print every status change of a line, as heard from Lineside's WebSocket.
 *
 *     node watch_line.mjs [ws://localhost:8000/ws/monitor]
 *
 * Needs Node 22 or newer and no packages. `followLine` uses nothing but the WebSocket that browsers
 * have too; a page that uses it must come from the server itself or from one of `allowed_origins`.
 */

const SILENCE_MS = 5_000; // ticks come every second: a silent connection is a dead one
const RETRY_MS = 3_000;
const DO_NOT_RETRY = new Set([1002, 1003, 1007, 1008, 1009]); // we sent something wrong; again is no help

/** Call `onChange(machine, before, timestamp)` for each change, `onLink(text)` for the rest. */
export function followLine(url, onChange, onLink) {
  const statuses = new Map();
  let socket;
  let silence;

  function connect() {
    socket = new WebSocket(url);
    listenForSilence(socket);
    socket.onmessage = (event) => {
      listenForSilence(socket);
      take(JSON.parse(event.data));
    };
    socket.onerror = () => {}; // a close always follows
    socket.onclose = (event) => lose(socket, event.code, event.reason);
  }

  // close() alone would wait for the answer of a server that is gone, so the end is declared here.
  function listenForSilence(heard) {
    clearTimeout(silence);
    silence = setTimeout(() => lose(heard, 0, 'silence'), SILENCE_MS);
  }

  function lose(lost, code, reason) {
    if (lost !== socket) return;
    clearTimeout(silence);
    socket = undefined;
    lost.onmessage = lost.onclose = null;
    lost.close();
    onLink(`not connected: ${code} ${reason}`);
    if (!DO_NOT_RETRY.has(code)) setTimeout(connect, RETRY_MS);
  }

  function take(message) {
    if (message.type === 'connection_status') onLink(`${message.status}: ${message.message}`);
    if (message.type !== 'equipment_status') return;
    for (const machine of message.equipment) {
      const before = statuses.get(machine.equipment_code);
      if (before === machine.status) continue;
      statuses.set(machine.equipment_code, machine.status);
      onChange(machine, before, message.timestamp);
    }
  }

  connect();
}

if (import.meta.main ?? process.argv[1]?.endsWith('watch_line.mjs')) {
  followLine(
    process.argv[2] ?? 'ws://localhost:8000/ws/monitor',
    (machine, before, timestamp) =>
      console.log(
        `${timestamp} ${machine.equipment_code} ${before ?? '-'} -> ${machine.status} ${machine.equipment_name}`,
      ),
    (text) => console.log(text),
  );
}
