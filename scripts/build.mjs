// `npm run build`: types by tsc, code by rolldown. An import of 750 small files takes several times as long as one of a
// few large ones, so the modules are joined; what starts on its own (the command, threads, processes) keeps its file.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { rolldown } from 'rolldown';
import ts from 'typescript';
import { root } from './workspace.mjs';

const [source, out] = ['src', 'dist'].map((name) => join(root, name));
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
const joined = ['@bufbuild/protobuf', 'fflate', 'onnx-buf', 'yaml', 'zod'];

function emitTypes() {
  const { config, error } = ts.readConfigFile(join(root, 'tsconfig.build.json'), ts.sys.readFile);
  const { options, fileNames, errors } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(fileNames, { ...options, emitDeclarationOnly: true });
  const found = [
    ...(error ? [error] : []),
    ...errors,
    ...ts.getPreEmitDiagnostics(program),
    ...program.emit().diagnostics,
  ];
  if (found.length === 0) return;
  console.error(
    ts.formatDiagnosticsWithColorAndContext(found, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => root,
      getNewLine: () => '\n',
    }),
  );
  process.exit(1);
}

async function bundle() {
  const exported = Object.values(manifest.exports).flatMap((entry) => entry.default ?? []);
  const entries = [...exported.map((path) => path.replace('./dist/', '').replace(/\.js$/, '.ts')), ...programs];
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
      console.error(message);
      process.exit(1);
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

/** The licences of the packages that are joined: they ask to go with the code. */
function writeLicences() {
  const texts = joined.map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license']
      .map((one) => join(folder, one))
      .find((path) => existsSync(path));
    return `${name} ${version}, ${license}\n\n${file ? readFileSync(file, 'utf8').trim() : `see https://www.npmjs.com/package/${name}`}\n`;
  });
  const path = join(out, 'licences.txt');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, texts.join(`\n${'-'.repeat(80)}\n\n`));
}

rmSync(out, { recursive: true, force: true });
emitTypes();
await bundle();
writeLicences();
chmodSync(join(out, 'cli', 'main.js'), 0o755);
