import { visible } from './terminal.ts';

/** One line that says how far a command has come. */
export interface Progress {
  /**
   * On a terminal the line is written over, at most ten times a second; elsewhere a line is written at each further
   * tenth, so that there are ten at most.
   * @param share of all that the command does, 0 to 1
   */
  update(share: number, text: () => string): void;
  /** Removes the line from a terminal, so that something else can be printed. */
  clear(): void;
}

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const nothing = () => undefined;
const silent: Progress = { update: nothing, clear: nothing };

/** Often enough to see that it moves, seldom enough to cost nothing. */
const pauseMilliseconds = 100;

/** Progress on a terminal, a pipe or a file; none where it is not wanted. */
export function showProgress(screen: Screen, wanted = true, now: () => number = () => performance.now()): Progress {
  if (!wanted) return silent;
  return screen.isTTY ? onTerminal(screen, now) : inLines(screen);
}

function onTerminal(screen: Screen, now: () => number): Progress {
  let last = Number.NEGATIVE_INFINITY;
  return {
    update(_, text) {
      if (now() - last < pauseMilliseconds) return;
      last = now();
      // One line only: a longer one would wrap and stay.
      screen.write(`\r\x1b[K${visible(text()).slice(0, (screen.columns ?? 80) - 1)}`);
    },
    clear() {
      if (last !== Number.NEGATIVE_INFINITY) screen.write('\r\x1b[K');
      last = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Lines of a pipe or a file at most. */
const mostLines = 10;

function inLines(screen: Screen): Progress {
  let reached = 0;
  return {
    update(share, text) {
      // 0.3 · 10 is a little less than 3.
      const tenths = Math.floor(mostLines * share + 1e-9);
      if (tenths <= reached) return;
      reached = tenths;
      screen.write(`${visible(text())}\n`);
    },
    clear: nothing,
  };
}

/** Seconds as a person says them. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
