import 'pretendard/dist/web/variable/pretendardvariable-dynamic-subset.css';
import '@/lib/styles/tokens.css';
import '@/lib/styles/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from '@/app/App';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
