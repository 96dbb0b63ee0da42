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

export default tseslint.config(
  { ignores: ['node_modules', 'dist', 'src/lib/types/generated.ts'] },
  ...tseslint.configs.strict,
  reactHooks.configs.flat.recommended,
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      'react-hooks/exhaustive-deps': 'error',
      'no-restricted-syntax': ['error', noDefaultExport, noBarrel],
    },
  },
  { files: ['vite.config.ts', 'eslint.config.js'], rules: { 'no-restricted-syntax': 'off' } },
);
