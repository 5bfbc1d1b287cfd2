import { InvalidArgumentError } from 'commander';

/** Readers of option values, for commander. */

/** Names separated by commas; the option may be repeated. */
export const list = (text: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  ...text.split(',').map((part) => part.trim()),
];

/** A text that may hold commas; the option may be repeated. */
export const repeated = (text: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  text,
];

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value > 0)) throw new InvalidArgumentError('expected a whole number from 1 up.');
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected a positive number.');
  return value;
}
