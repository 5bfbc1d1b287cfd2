#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';

// Whoever reads the output may stop early (`| head`): the work goes on, only printing ends.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2));
