import { vi } from 'vitest';
import { runCommandLine } from '../src/cli/command-line.ts';

/** What a run of the command line gave. */
export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs `wherefore` with these words in this process and catches what it prints. */
export async function wherefore(...words: readonly string[]): Promise<Ran> {
  let output = '';
  let errors = '';
  const line = (parts: readonly unknown[]) => `${parts.join(' ')}\n`;
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((...parts: unknown[]) => void (output += line(parts))),
    vi.spyOn(console, 'error').mockImplementation((...parts: unknown[]) => void (errors += line(parts))),
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((output += String(text)) || true)),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((errors += String(text)) || true)),
  ];
  try {
    return { code: await runCommandLine(words), output, errors };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
