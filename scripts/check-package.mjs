// `npm run package`: builds, packs, installs the tarball into an empty project, type-checks and runs a first program
// there, and runs the command. Leaves the tarball that was tried in the root of the repository.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { installDependencies, npm, requireNode, root, spawnNpm } from './workspace.mjs';

requireNode();
installDependencies();
check('build', npm('run', '--silent', 'build') === 0);
check('publint', npm('exec', '--', 'publint', '--strict') === 0);

const project = mkdtempSync(join(tmpdir(), 'wherefore-package-'));
try {
  const packed = runNpm(['pack', '--json', '--silent'], root);
  // A list up to npm 11, an object by package name since npm 12.
  /** @type {{ filename: string, files: { path: string }[], size: number, unpackedSize: number }[]} */
  const [{ filename, files, size, unpackedSize }] = Object.values(JSON.parse(packed));
  console.log(`packed ${filename}: ${files.length} files, ${kilobytes(size)}, unpacked ${kilobytes(unpackedSize)}`);
  const unwanted = files
    .map(({ path }) => path)
    .filter((path) => /\.test\.|fixtures|^(src|test|bench|scripts)\//.test(path));
  check(
    `no sources or tests in the tarball${unwanted.length ? `: ${unwanted.join(', ')}` : ''}`,
    unwanted.length === 0,
  );

  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const tools = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`);
  writeFileSync(join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  runNpm(['install', '--no-audit', '--no-fund', '--ignore-scripts', join(root, filename), ...tools], project);
  check('installs into an empty project', existsSync(join(project, 'node_modules', 'wherefore', 'dist', 'index.js')));

  cpSync(join(root, 'scripts', 'package', 'consumer.ts'), join(project, 'consumer.ts'));
  const settings = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  runNode([join(project, 'node_modules/typescript/bin/tsc'), ...settings, 'consumer.ts'], project);
  check('type-checks with tsc --strict, libraries included', true);
  console.log(runNode(['consumer.js'], project).trim());
  check('import { loadModel, explain } runs', true);
  const subpaths = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports).filter(
    (path) => !path.endsWith('.json'),
  );
  for (const path of subpaths) {
    const name = path.replace('.', 'wherefore');
    const script = `const all = await import('${name}'); console.log(Object.keys(all).length)`;
    const count = Number(runNode(['--input-type=module', '--eval', script], project));
    check(`import '${name}': ${count} names`, count > 0);
  }

  // Whatever a page may load needs nothing of Node, also as it is packed.
  for (const entry of ['core', 'web/index', 'page/index', 'evaluation/index']) {
    const made = await rolldown({
      input: join(project, 'node_modules/wherefore/dist', `${entry}.js`),
      platform: 'browser',
      external: 'onnxruntime-web/wasm',
    });
    const { output } = await made.generate({ format: 'esm', minify: true, codeSplitting: false });
    await made.close();
    const [{ code, imports }] = output;
    const foreign = imports.filter((name) => name !== 'onnxruntime-web/wasm');
    check(
      `${entry} bundles for a page: ${kilobytes(code.length)}${foreign.map((name) => `, needs ${name}`)}`,
      !foreign.length,
    );
  }

  const help = runNpm(['exec', '--offline', '--', 'wherefore', '--help'], project);
  check('npx wherefore --help', help.includes('Usage: wherefore') && help.includes('explain'));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  check(
    'npx wherefore --version',
    runNpm(['exec', '--offline', '--', 'wherefore', '--version'], project).trim() === version,
  );
  runNpm(['exec', '--offline', '--', 'wherefore', 'demo'], project);
  check('npx wherefore demo', pages(project).length > 0);
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** @param {string} folder @returns {string[]} */
function pages(folder) {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.html') && !name.includes('node_modules'));
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${Math.round(bytes / 1024)} kB`;
}

/**
 * Runs npm and returns what it printed.
 * @param {string[]} args
 * @param {string} cwd
 */
function runNpm(args, cwd) {
  return printed(`npm ${args.join(' ')}`, cwd, spawnNpm(args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 }));
}

/**
 * Runs a script with this Node and returns what it printed.
 * @param {string[]} args
 * @param {string} cwd
 */
function runNode(args, cwd) {
  return printed(`node ${args.join(' ')}`, cwd, spawnSync(process.execPath, args, { cwd, encoding: 'utf8' }));
}

/**
 * Ends the process with a command's output where it failed.
 * @param {string} command
 * @param {string} cwd
 * @param {import('node:child_process').SpawnSyncReturns<string | Buffer>} result
 */
function printed(command, cwd, { status, stdout, stderr, error }) {
  if (status === 0) return String(stdout);
  console.error(`${command} failed in ${cwd}\n${error?.message ?? ''}${stdout ?? ''}${stderr ?? ''}`);
  process.exit(1);
}

/** @param {string} what @param {boolean} holds */
function check(what, holds) {
  console.log(`${holds ? '✓' : '✗'} ${what}`);
  if (!holds) process.exit(1);
}
