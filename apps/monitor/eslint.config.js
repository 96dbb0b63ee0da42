import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const noDefaultExport = {
  selector: 'ExportDefaultDeclaration',
  message: 'Export by name: a thing has the same name everywhere.',
};
const noBarrel = {
  selector: 'ExportAllDeclaration',
  message: 'Import from the module that defines a thing.',
};

/** What now is, the server's clock decides; a screen's own may be years off. */
const noScreensClock = [
  "CallExpression[callee.object.name='Date'][callee.property.name='now']",
  "CallExpression[callee.name='Date']",
  "NewExpression[callee.name='Date'][arguments.length=0]",
].map((selector) => ({
  selector,
  message:
    'Ask getServerNowMs in lib/time/serverClock; for how old something is, lib/time/instant.',
}));

/** Shared -> features -> app, and never from one feature to another. */
const features = [
  'alarms',
  'attention',
  'board',
  'detail',
  'header',
  'machine',
  'report',
  'time-machine',
  'timeline',
  'wall',
];
const mayNotImport = (files, ...group) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: [{ group }] }] },
});

export default tseslint.config(
  { ignores: ['node_modules', 'dist', 'src/lib/types/generated.ts'] },
  ...tseslint.configs.strict,
  reactHooks.configs.flat.recommended,
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      'react-hooks/exhaustive-deps': 'error',
      'no-restricted-syntax': ['error', noDefaultExport, noBarrel, ...noScreensClock],
    },
  },
  mayNotImport(['src/lib/**'], '@/features/*', '@/app/*'),
  ...features.map((name) =>
    mayNotImport(
      [`src/features/${name}/**`],
      '@/app/*',
      ...features.filter((other) => other !== name).map((other) => `@/features/${other}/*`),
    ),
  ),
  {
    files: ['src/lib/time/instant.ts', '**/*.test.ts'],
    rules: { 'no-restricted-syntax': ['error', noDefaultExport, noBarrel] },
  },
  { files: ['vite.config.ts', 'eslint.config.js'], rules: { 'no-restricted-syntax': 'off' } },
);
