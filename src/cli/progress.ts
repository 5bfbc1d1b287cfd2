import type { Passes } from '../attribution/prepared.ts';
import { visible } from './terminal.ts';

/** A line on a terminal that shows how far long work has come. */
export interface Progress {
  /** Begins a piece of work of at most `most` passes. */
  start(what: string, most: Passes): void;
  update(done: Readonly<Passes>): void;
  /** Removes the line, so that something else can be printed. */
  clear(): void;
}

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const nothing = () => undefined;
const silent: Progress = { start: nothing, update: nothing, clear: nothing };

/** Often enough to see that it moves, seldom enough to cost nothing. */
const pauseMilliseconds = 100;

/**
 * Progress on a terminal: what is computed, passes done of the most there may be, seconds. Nothing is written where the
 * stream is a pipe or a file.
 */
export function showProgress(screen: Screen, wanted = true, now: () => number = () => performance.now()): Progress {
  if (!wanted || !screen.isTTY) return silent;
  let what = '';
  let total = 0;
  let began = 0;
  let last = Number.NEGATIVE_INFINITY;
  return {
    start(text, most) {
      [what, total, began, last] = [visible(text), most.forward + most.backward, now(), Number.NEGATIVE_INFINITY];
    },
    update({ forward, backward }) {
      if (now() - last < pauseMilliseconds) return;
      last = now();
      const seconds = Math.round((now() - began) / 1000);
      const of = total >= forward + backward ? ` of at most ${total.toLocaleString('en')}` : '';
      const text = `${what}: ${(forward + backward).toLocaleString('en')}${of} passes, ${seconds} s`;
      // One line only: a longer one would wrap and stay.
      screen.write(`\r\x1b[K${text.slice(0, (screen.columns ?? 80) - 1)}`);
    },
    clear() {
      if (last !== Number.NEGATIVE_INFINITY) screen.write('\r\x1b[K');
      last = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Seconds as a person says them. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
