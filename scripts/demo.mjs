// `npm run demo`: installs and builds what is missing, runs `wherefore demo` and says where the page is.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buildIfStale, installDependencies, requireNode, root } from './workspace.mjs';

requireNode();
installDependencies();
buildIfStale();
const arguments_ = [join(root, 'dist', 'cli', 'main.js'), 'demo', ...process.argv.slice(2)];
const { status, signal } = spawnSync(process.execPath, arguments_, { cwd: root, stdio: 'inherit' });
if (signal) process.kill(process.pid, signal);
process.exitCode = status ?? 1;
