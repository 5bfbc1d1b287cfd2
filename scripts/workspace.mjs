// What `npm test` and `npm run demo` need before they can start on a fresh clone. Plain JavaScript that imports only
// what Node has, because nothing is installed yet when it runs.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
 * Builds dist/ where it is missing or older than a source; ends the process where that fails. Where the clone's clock is
 * off, the worst that happens is one build too many.
 */
export function buildIfStale() {
  const stale = staleSource();
  if (!stale) return;
  console.log(`Building (npm run build): ${stale} is newer than the build.`);
  if (npm('run', '--silent', 'build') === 0) return;
  console.error('The build failed. Fix: see the messages above.');
  process.exit(1);
}

/** @returns {string | undefined} the first source that is newer than what a build writes last, relative to the root */
function staleSource() {
  const last = join(root, 'dist', 'licences.txt');
  const built = existsSync(last) ? statSync(last).mtimeMs : 0;
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).sort();
  return [
    ...names.filter((name) => /\.(ts|js)$/.test(name) && !name.endsWith('.test.ts')).map((name) => join('src', name)),
    ...['package.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'],
  ].find((path) => statSync(join(root, path)).mtimeMs > built);
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
