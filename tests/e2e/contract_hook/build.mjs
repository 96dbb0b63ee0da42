// Bundles the contract's own hook with the Vite of apps/monitor.
// usage: node build.mjs HOOK.ts OUTPUT_FOLDER
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const monitor = join(root, '../../../apps/monitor');
const require = createRequire(join(monitor, 'package.json'));
const { build } = await import(pathToFileURL(require.resolve('vite')).href);
const packageFolder = (name) => dirname(require.resolve(`${name}/package.json`));

await build({
  configFile: false,
  logLevel: 'warn',
  root,
  base: './',
  resolve: {
    alias: {
      '@': join(monitor, 'src'),
      'contract-hook': argv[2],
      'react-dom': packageFolder('react-dom'),
      react: packageFolder('react'),
    },
  },
  build: { outDir: argv[3], emptyOutDir: true },
});
