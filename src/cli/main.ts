#!/usr/bin/env node
// Watches over the command, which runs in a process of its own: a signal ends it within two seconds whatever it does,
// and what brings native code down (the decoder of images, say) still ends in a message. So this file loads nothing
// that takes time or may fail.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { exitCodeOf, type StopMessage, type StopSignal, stopSignals, type TemporaryMessage } from './signals.ts';

/** Milliseconds in which a command may clear up after a signal. */
const patience = 1500;

const program = fileURLToPath(import.meta.url).replace(/main(\.[jt]s)$/, 'command$1');
const child = spawn(process.execPath, [...process.execArgv, program, ...process.argv.slice(2)], {
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});
const temporaries = new Set<string>();
let asked: StopSignal | undefined;

child.on('message', ({ temporary, exists }: TemporaryMessage) => {
  if (exists) temporaries.add(temporary);
  else temporaries.delete(temporary);
});
for (const signal of stopSignals) {
  process.on(signal, () => {
    if (asked) {
      child.kill('SIGKILL');
      return;
    }
    asked = signal;
    const message: StopMessage = { stop: signal };
    if (child.connected) child.send(message, () => undefined);
    setTimeout(() => child.kill('SIGKILL'), patience).unref();
  });
}
child.on('error', (error) => {
  console.error(`error: the command could not be started: ${error.message}`);
  process.exitCode = 1;
});
child.on('exit', (code, killer) => {
  if (killer) for (const path of temporaries) rmSync(path, { recursive: true, force: true });
  if (asked) {
    if (killer) console.error('error: stopped at once. Fix: run it again when you have the time.');
    process.exitCode = code === 0 ? 0 : exitCodeOf(asked);
  } else if (killer) {
    console.error(
      `error: the command was ended by ${killer}, by the system or inside native code. ` +
        'Fix: check the files that it was given, and whether the memory suffices.',
    );
    process.exitCode = 1;
  } else process.exitCode = code ?? 1;
});
