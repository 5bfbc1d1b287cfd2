// Joins the modules of the package: an import of 750 small files takes several times as long as one of a few large ones.
import { readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { root } from './workspace.mjs';

const source = join(root, 'src');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** What is started on its own, besides what package.json exports: by path from another module, or as a program. */
const programs = [
  'cli/main.ts',
  'cli/command.ts',
  'cli/shard-worker.ts',
  'runtime/ort-worker.js',
  'runtime/ort-child.js',
  'runtime/eigen-worker.js',
];

/**
 * Small packages that every entry needs are joined, too, as far as they are used: zod alone loads 80 files, most of them
 * words in other languages. Their licences lie beside the code.
 */
export const joined = ['fflate', 'yaml', 'zod'];

/**
 * Writes the package as JavaScript: its entries and programs, and chunks that they share.
 * @param {string} out the folder
 * @param {readonly string[]} [more] other modules that stay files of their own, as paths below `src`
 */
export async function bundle(out, more = []) {
  const exported = Object.values(manifest.exports).flatMap((entry) => entry.default ?? []);
  const entries = [
    ...exported.map((path) => path.replace('./dist/', '').replace(/\.js$/, '.ts')),
    ...programs,
    ...more,
  ];
  const isJoined = (/** @type {string} */ id) =>
    ['@oxc-project/runtime', ...joined].some((name) => id === name || id.startsWith(`${name}/`));
  const made = await rolldown({
    input: Object.fromEntries(entries.map((path) => [path.replace(/\.[jt]s$/, ''), join(source, path)])),
    // What is joined must run in a page as well: yaml and fflate have builds for it. All else stays an import.
    platform: 'browser',
    external: (id) => (!/^([./]|[A-Z]:)/i.test(id) ? !isJoined(id) : false),
    plugins: [ownAddresses],
    onLog: (level, { message }) => {
      if (level !== 'warn') return;
      throw new Error(message);
    },
  });
  await made.write({
    dir: out,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
  });
  await made.close();
}

/**
 * A module that asks where it lies (`import.meta.url`) means its place among the sources, from which it finds what lies
 * beside it. Joined with others it lies elsewhere, so it is told.
 * @type {import('rolldown').Plugin}
 */
const ownAddresses = {
  name: 'own-addresses',
  transform(code, id) {
    if (!id.startsWith(source) || !code.includes('import.meta.url')) return null;
    const place = relative(source, id).replaceAll('\\', '/').replace(/\.ts$/, '.js');
    return { code: code.replaceAll('import.meta.url', `__ADDRESS_OF__(${JSON.stringify(place)})`), map: null };
  },
  renderChunk(code, { fileName }) {
    if (!code.includes('__ADDRESS_OF__')) return null;
    const told = code.replaceAll(/__ADDRESS_OF__\("([^"]+)"\)/g, (_, place) => {
      const way = posix.relative(posix.dirname(fileName), place);
      return way === posix.basename(fileName)
        ? 'import.meta.url'
        : `new URL(${JSON.stringify(way.startsWith('.') ? way : `./${way}`)}, import.meta.url).href`;
    });
    return { code: told, map: null };
  },
};
