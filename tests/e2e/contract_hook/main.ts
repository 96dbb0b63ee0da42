// Shows what the contract's hook returns; `?ws=` says which address to give it.
import { useWebSocket } from 'contract-hook';
import { createElement, useRef } from 'react';
import { createRoot } from 'react-dom/client';

function Probe({ url }: { url: string }) {
  const { status, equipmentData } = useWebSocket(url);
  const wasConnected = useRef(false);
  if (status === 'connected') wasConnected.current = true;
  return createElement('output', {
    'data-status': status,
    'data-was-connected': String(wasConnected.current),
    'data-count': equipmentData.length,
    'data-seen': equipmentData.filter(({ tags }) => tags.connection).length,
    'data-running': equipmentData.filter(({ status: word }) => word === 'running').length,
  });
}

const url = new URLSearchParams(window.location.search).get('ws') ?? '';
createRoot(document.getElementById('root')!).render(createElement(Probe, { url }));
