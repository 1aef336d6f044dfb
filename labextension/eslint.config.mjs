import eslint from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

const sources = ['src/**/*.{ts,tsx}', 'test/**/*.ts'];

export default tseslint.config(
  {
    ignores: [
      'lib/',
      'lib-page/',
      'test/page/',
      'node_modules/',
      'style/*.js',
      '*.mjs',
      '*.mts'
    ]
  },
  {
    files: sources,
    extends: [
      eslint.configs.recommended,
      tseslint.configs.strictTypeChecked,
      jsxA11y.flatConfigs.strict,
      reactHooks.configs.flat.recommended
    ],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      curly: ['error', 'all'],
      eqeqeq: 'error',
      // Models live outside of React: components change them and draw what their signals say.
      'react-hooks/immutability': 'off',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML'].map(property => ({
          property,
          message: 'What a model wrote is hostile: render it.'
        }))
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports' }
      ],
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        },
        {
          selector: 'memberLike',
          modifiers: ['private'],
          format: ['camelCase'],
          leadingUnderscore: 'require'
        }
      ],
      // Options and constants of a class live in a namespace of its name, as in JupyterLab.
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true }
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true }
      ]
    }
  },
  // The recommended rules of Jupyter do not register their own plugin.
  { plugins: { jupyter } },
  jupyter.configs.recommended,
  // No person reads what a test says.
  {
    files: ['test/**'],
    rules: { 'jupyter/no-untranslated-string': 'off' }
  },
  prettier
);
