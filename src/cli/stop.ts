const listeners = new Set<() => void>();
let stopped = false;

/** Calls `listener` when the command is asked to stop; returns what forgets it. */
export function onStop(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Asks the work in progress to stop; what does not listen ends here. A second call changes nothing. */
export function stop(exitCode: number): void {
  if (stopped) return;
  stopped = true;
  if (listeners.size === 0) process.exit(exitCode);
  for (const listener of listeners) listener();
}
