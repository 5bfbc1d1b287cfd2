/** Something that a document states and that comes out otherwise when it is computed again. */
export interface Difference {
  /** Where in the document: `prediction.top[0].label`. */
  readonly field: string;
  readonly recorded: string;
  readonly now: string;
}

/** Whether a recorded number of a field is the computed one. */
export type IsNear = (field: string, recorded: number, now: number) => boolean;

/**
 * All that two plain values (of JSON) do not share: fields that one of them lacks, other texts, other lengths, numbers
 * that are not near each other.
 * @param skipped Fields that are not looked at, with what lies in them.
 */
export function documentDifferences(
  recorded: unknown,
  now: unknown,
  isNear: IsNear,
  skipped: ReadonlySet<string> = new Set(),
  field = '',
): Difference[] {
  if (skipped.has(field) || recorded === now) return [];
  if (typeof recorded === 'number' && typeof now === 'number') {
    return isNear(field, recorded, now) ? [] : [{ field, recorded: shown(recorded), now: shown(now) }];
  }
  const isList = Array.isArray(recorded);
  if (!isObject(recorded) || !isObject(now) || isList !== Array.isArray(now)) {
    return [{ field, recorded: shown(recorded), now: shown(now) }];
  }
  const keys = new Set([...Object.keys(recorded), ...Object.keys(now)]);
  return [...keys].flatMap((key) =>
    documentDifferences(
      ownValue(recorded, key),
      ownValue(now, key),
      isNear,
      skipped,
      isList ? `${field}[${key}]` : field ? `${field}.${key}` : key,
    ),
  );
}

type Plain = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null;
}

/** `__proto__` may be the name of an input. */
const ownValue = (value: Plain, key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined);

const longest = 120;

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}
