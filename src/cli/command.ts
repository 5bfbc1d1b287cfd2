// The command itself, in a process under main.ts.
import { observeTemporary } from '../data/files/files.ts';
import { runCommandLine } from './command-line.ts';
import { exitCodeOf, type StopMessage, stopSignals, type TemporaryMessage } from './signals.ts';
import { stop } from './stop.ts';
import { tell } from './terminal.ts';

// Whoever reads the output may stop early (`| head`): the work goes on, only printing ends.
for (const [stream, name] of [
  [process.stdout, 'output'],
  [process.stderr, 'messages'],
] as const) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    tell(`error: the ${name} cannot be written (got ${code}). Fix: free some space, or send it elsewhere.`);
    process.exit(1);
  });
}

// A terminal sends its signals to both processes; the first that arrives counts.
for (const signal of stopSignals) process.on(signal, () => stop(exitCodeOf(signal)));
process.on('message', (message: StopMessage) => stop(exitCodeOf(message.stop)));
const orphaned = () => process.exit(1);
process.on('disconnect', orphaned);
process.channel?.unref();
observeTemporary((temporary, exists) => {
  const message: TemporaryMessage = { temporary, exists };
  process.send?.(message);
});

process.exitCode = await runCommandLine(process.argv.slice(2));
process.off('disconnect', orphaned);
process.disconnect?.();
