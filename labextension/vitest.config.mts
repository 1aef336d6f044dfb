import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.spec.ts'],
    // Pure modules only: what touches the page is tested in a real browser.
    environment: 'node',
    // On a busy machine a test may wait for its turn.
    testTimeout: 20_000
  }
});
