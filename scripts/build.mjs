// `npm run build`: types by tsc, code by rolldown. Modules are joined; what starts on its own (the command, threads,
// processes) keeps its file.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { bundle, joined } from './bundle.mjs';
import { root } from './workspace.mjs';

const out = join(root, 'dist');

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
await bundle(out);
writeLicences();
chmodSync(join(out, 'cli', 'main.js'), 0o755);
