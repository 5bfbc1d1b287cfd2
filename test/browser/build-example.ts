import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Builds `examples/browser` as a project of its own would, with the sources in place of what it finds in node_modules. */
export const buildExample = (outDir: string) =>
  build({
    root: join(root, 'examples/browser'),
    logLevel: 'error',
    resolve: {
      alias: { 'wherefore/core': join(root, 'src/core.ts'), 'wherefore/web': join(root, 'src/web/index.ts') },
    },
    build: { outDir, emptyOutDir: true },
  });
