import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Runs `code` as a module of another process, in the root of the repository. */
function run(code: string, env: Readonly<Record<string, string>> = {}) {
  const options = { cwd: root, encoding: 'utf8', env: { ...process.env, ...env } } as const;
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], options);
}

it('says which Node is needed, before anything else', () => {
  const pretend = (version: string) =>
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });
     (await import('./scripts/workspace.mjs')).requireNode();`;
  const old = run(pretend('20.18.9'));
  expect(old.status).toBe(1);
  expect(old.stderr).toContain('Wherefore needs Node 20.19 or later; this is Node 20.18.9.');
  expect(old.stderr).toContain('Fix: ');
  expect(run(pretend('18.20.0')).status).toBe(1);
  for (const version of ['20.19.0', '22.0.0', '100.0.0']) expect(run(pretend(version)).status).toBe(0);
});

it('finds nothing to install where everything is there', () => {
  const { status, stdout } = run(`(await import('./scripts/workspace.mjs')).installDependencies();`);
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
});

it('takes the browser that CHROMIUM_PATH names, and no other when it does not exist', () => {
  const find = "console.log((await import('./scripts/find-browser.mjs')).findBrowser());";
  expect(run(find, { CHROMIUM_PATH: process.execPath }).stdout.trim()).toBe(process.execPath);
  expect(run(find, { CHROMIUM_PATH: '/nowhere/chromium' }).stdout.trim()).toBe('undefined');
});
