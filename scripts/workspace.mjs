// What `npm test` and `npm run demo` need before they can start on a fresh clone. Plain JavaScript that imports only
// what Node has, because nothing is installed yet when it runs.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

const manifest = readJson(join(root, 'package.json'));

/** Ends the process with a message where the running Node is older than `engines` in package.json allows. */
export function requireNode() {
  const oldest = manifest.engines.node.replace('>=', '');
  const [wantedMajor, wantedMinor] = oldest.split('.').map(Number);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  console.error(`Wherefore needs Node ${oldest} or later; this is Node ${process.versions.node}.`);
  console.error('Fix: install a current Node from https://nodejs.org, then run the command again.');
  process.exit(1);
}

/**
 * Dependencies that are absent from node_modules or stand there in another version than package.json pins.
 * @returns {string[]}
 */
function missingDependencies() {
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter(([name, version]) => {
      const path = join(root, 'node_modules', name, 'package.json');
      return !existsSync(path) || readJson(path).version !== version;
    })
    .map(([name]) => name);
}

/** Installs the dependencies where some are missing; ends the process where that fails. */
export function installDependencies() {
  const missing = missingDependencies();
  if (missing.length === 0) return;
  const command = existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install';
  const named = missing.length > 4 ? `${missing.length} packages` : missing.join(', ');
  console.log(`Installing dependencies (npm ${command}): ${named} not installed.`);
  if (npm(command, '--no-audit', '--no-fund') === 0) return;
  console.error(`npm ${command} failed. Fix: see its message above; docs/install.md has the known causes.`);
  process.exit(1);
}

/**
 * Compiles src/ into dist/ where an output is missing or older than its source; ends the process where that fails.
 * Where the clone's clock is off, the worst that happens is one build too many.
 */
export function buildIfStale() {
  const stale = staleSource();
  if (!stale) return;
  console.log(`Building (npm run build): ${stale} is newer than the build.`);
  if (npm('run', '--silent', 'build') === 0) return;
  console.error('The build failed. Fix: see the messages of tsc above.');
  process.exit(1);
}

/** @returns {string | undefined} the first source whose output in dist/ is missing or older, relative to the root */
function staleSource() {
  const sources = join(root, 'src');
  const settings = ['package.json', 'tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name));
  const newestSetting = Math.max(...settings.map((path) => statSync(path).mtimeMs));
  for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.(ts|js)$/.test(name) || name.endsWith('.test.ts')) continue;
    const source = join(sources, name);
    const output = join(root, 'dist', name.replace(/\.ts$/, '.js'));
    const newest = Math.max(statSync(source).mtimeMs, newestSetting);
    if (!existsSync(output) || statSync(output).mtimeMs < newest) return relative(root, source);
  }
  return undefined;
}

/** Removes from dist/ what no source stands for any more, so that it cannot be packed. */
export function removeStaleOutputs() {
  const outputs = join(root, 'dist');
  if (!existsSync(outputs)) return;
  for (const name of readdirSync(outputs, { recursive: true, encoding: 'utf8' })) {
    const output = join(outputs, name);
    const stem = join(root, 'src', name.replace(/(\.d\.ts|\.js)$/, ''));
    if (statSync(output).isFile() && !existsSync(`${stem}.ts`) && !existsSync(`${stem}.js`)) rmSync(output);
  }
}

/** Under `npm run` the path of npm itself is known: the same npm, started without a shell. */
const npmPath = process.env.npm_execpath?.endsWith('.js') ? process.env.npm_execpath : undefined;

/**
 * Starts npm and waits for it.
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} options
 */
export function spawnNpm(args, options = {}) {
  const [command, first] = npmPath ? [process.execPath, [npmPath]] : ['npm', []];
  const shell = !npmPath && process.platform === 'win32';
  // onnxruntime-node's install script would fetch CUDA libraries that Wherefore does not use.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  return spawnSync(command, [...first, ...args], { cwd: root, shell, env, ...options });
}

/**
 * Runs npm in the root of the repository, its output shown; returns its exit code.
 * @param {string[]} args
 */
export function npm(...args) {
  const { status, error } = spawnNpm(args, { stdio: 'inherit' });
  if (error) console.error(`npm could not be started: ${error.message}`);
  return status ?? 1;
}
