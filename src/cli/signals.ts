import { constants } from 'node:os';

/** Signals that ask a command to end. */
export const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type StopSignal = (typeof stopSignals)[number];

/** What a shell shows for a command that a signal ended: 130 for SIGINT, 143 for SIGTERM. */
export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];

/** What the command tells the process that watches over it: a temporary path came or went. */
export interface TemporaryMessage {
  readonly temporary: string;
  readonly exists: boolean;
}

/** What that process tells the command. */
export interface StopMessage {
  readonly stop: StopSignal;
}
