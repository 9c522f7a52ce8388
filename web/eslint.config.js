import eslint from '@eslint/js';
import angular from 'angular-eslint';
import prettier from 'eslint-config-prettier/flat';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Folders of src/app may import from those on their right only: pages -> ui, live -> api, words. A page knows no other page.
const pages = ['activity', 'customers', 'fleet', 'registry', 'vehicle'];
const forbid = (folders, why) => [
  'error',
  { patterns: folders.map((folder) => ({ group: [`**/${folder}/*`], message: why })) },
];

export default defineConfig(
  globalIgnores(['build/', 'dist/', '.angular/', 'src/app/api/schema.d.ts', 'test-results/']),
  {
    files: ['**/*.ts'],
    extends: [
      eslint.configs.recommended,
      tseslint.configs.recommended,
      tseslint.configs.stylistic,
      angular.configs.tsRecommended,
      prettier,
    ],
    processor: angular.processInlineTemplates,
    rules: {
      '@angular-eslint/directive-selector': [
        'error',
        { type: 'attribute', prefix: 'fb', style: 'camelCase' },
      ],
      '@angular-eslint/component-selector': ['error', { type: 'element', prefix: 'fb', style: 'kebab-case' }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/app/{api,words}/**/*.ts'],
    rules: {
      'no-restricted-imports': forbid([...pages, 'live', 'ui', 'shell'], 'api and words are at the bottom'),
    },
  },
  {
    files: ['src/app/{live,ui}/**/*.ts'],
    rules: { 'no-restricted-imports': forbid([...pages, 'shell'], 'live and ui know no page') },
  },
  ...pages.map((page) => ({
    files: [`src/app/${page}/**/*.ts`],
    rules: {
      'no-restricted-imports': forbid(
        [...pages.filter((other) => other !== page), 'shell'],
        'a page knows no other page: move what is shared to ui',
      ),
    },
  })),
  {
    files: ['**/*.html'],
    extends: [angular.configs.templateRecommended, angular.configs.templateAccessibility, prettier],
  },
);
