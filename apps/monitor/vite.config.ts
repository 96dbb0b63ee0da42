import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const here = dirname(fileURLToPath(import.meta.url));
const outDir = join(here, '../../src/lineside/web/static');

/**
 * Put beside the page what the server serves as it is: the assets of its API documentation, and
 * the licences of everything the build contains. Plants have no internet, so nothing is linked.
 */
function shipLocalAssets(): Plugin {
  const files: ReadonlyArray<readonly [from: string, to: string]> = [
    ['swagger-ui-dist/swagger-ui-bundle.js', 'docs/swagger-ui-bundle.js'],
    ['swagger-ui-dist/swagger-ui.css', 'docs/swagger-ui.css'],
    ['swagger-ui-dist/LICENSE', 'licenses/swagger-ui.txt'],
    ['pretendard/dist/LICENSE.txt', 'licenses/pretendard.txt'],
    ['react/LICENSE', 'licenses/react.txt'],
  ];
  return {
    name: 'lineside-local-assets',
    apply: 'build',
    closeBundle() {
      for (const [from, to] of files) {
        const target = join(outDir, to);
        mkdirSync(dirname(target), { recursive: true });
        copyFileSync(join(here, 'node_modules', from), target);
      }
      copyFileSync(join(here, 'NOTICE'), join(outDir, 'licenses/NOTICE.txt'));
    },
  };
}

export default defineConfig({
  // Relative: a reverse proxy may show the page in any folder.
  base: './',
  plugins: [react(), shipLocalAssets()],
  resolve: { alias: { '@': join(here, 'src') } },
  server: { port: 3001, strictPort: true },
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: 'es2022',
    // One style sheet, with the page: a part that is fetched later is a script and nothing else, so
    // that it can be fetched again where that failed.
    cssCodeSplit: false,
  },
  // Files share a process: a process of its own for each took longer than the tests in it.
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
    isolate: false,
    // Guards against hanging, no bounds: the computer may do other things.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
