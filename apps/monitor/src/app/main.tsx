import 'pretendard/dist/web/variable/pretendardvariable-dynamic-subset.css';
import '@/lib/styles/tokens.css';
import '@/lib/styles/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from '@/app/App';
import { keepText } from '@/lib/panel/keepText';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
keepText(root);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
