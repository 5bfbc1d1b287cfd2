/**
 * The starts of all suffixes of a text in the order of the suffixes, by induced sorting: the suffixes that are smaller
 * than their successor and follow a larger one are sorted first, by naming the pieces between them and, where two
 * pieces are equal, by the suffix array of their names; all others follow from these in two passes. Linear in time; the
 * result and about as much again in memory.
 *
 * @param text symbols from 0 to `alphabet` − 1; the end of the text counts as smaller than any
 * @see Nong, Zhang, Chan 2009, "Linear Suffix Array Construction by Almost Pure Induced-Sorting", DCC
 */
export function suffixArray(text: Uint8Array | Int32Array, alphabet: number): Int32Array {
  const n = text.length;
  const sorted = new Int32Array(n);
  if (n < 2) return sorted;
  const smaller = smallerThanNext(text);
  const bounds = bucketBounds(text, smaller, alphabet);
  const isStart = (i: number) => i > 0 && smaller[i] === 1 && smaller[i - 1] === 0;
  let count = 0;
  for (let i = 1; i < n; i++) if (isStart(i)) count++;
  const starts = new Int32Array(count);
  for (let i = 1, k = 0; i < n; i++) if (isStart(i)) starts[k++] = i;

  induce(text, smaller, bounds, starts, sorted);
  if (count > 1) {
    const inOrder = new Int32Array(count);
    for (let i = 0, k = 0; i < n; i++) if (isStart(sorted[i])) inOrder[k++] = sorted[i];
    // Names of pieces stand at half their start: two starts are never neighbours.
    const nameAt = new Int32Array((n >> 1) + 1);
    let names = 1;
    nameAt[inOrder[0] >> 1] = 0;
    for (let k = 1; k < count; k++) {
      if (!samePiece(text, isStart, inOrder[k - 1], inOrder[k])) names++;
      nameAt[inOrder[k] >> 1] = names - 1;
    }
    if (names === count) starts.set(inOrder);
    else {
      const order = suffixArray(
        starts.map((start) => nameAt[start >> 1]),
        names,
      );
      for (let k = 0; k < count; k++) inOrder[k] = starts[order[k]];
      starts.set(inOrder);
    }
    induce(text, smaller, bounds, starts, sorted);
  }
  return sorted;
}

/** 1 where the suffix is smaller than the next one. */
function smallerThanNext(text: Uint8Array | Int32Array): Uint8Array {
  const smaller = new Uint8Array(text.length);
  for (let i = text.length - 2; i >= 0; i--) {
    smaller[i] = text[i] < text[i + 1] || (text[i] === text[i + 1] && smaller[i + 1] === 1) ? 1 : 0;
  }
  return smaller;
}

/** Where the suffixes that begin with each symbol begin, and where among them those begin that are smaller than their next. */
interface BucketBounds {
  readonly begin: Int32Array;
  readonly smaller: Int32Array;
}

function bucketBounds(text: Uint8Array | Int32Array, isSmaller: Uint8Array, alphabet: number): BucketBounds {
  const begin = new Int32Array(alphabet + 1);
  const larger = new Int32Array(alphabet);
  for (let i = 0; i < text.length; i++) {
    begin[text[i] + 1]++;
    if (!isSmaller[i]) larger[text[i]]++;
  }
  for (let c = 0; c < alphabet; c++) begin[c + 1] += begin[c];
  return { begin, smaller: larger.map((count, c) => begin[c] + count) };
}

/** Places the given suffixes and sorts all others by them. */
function induce(
  text: Uint8Array | Int32Array,
  smaller: Uint8Array,
  bounds: BucketBounds,
  starts: Int32Array,
  sorted: Int32Array,
): void {
  const n = text.length;
  sorted.fill(-1);
  const ends = bounds.smaller.slice();
  for (const start of starts) sorted[ends[text[start]]++] = start;
  const begins = bounds.begin.slice();
  sorted[begins[text[n - 1]]++] = n - 1;
  for (let i = 0; i < n; i++) {
    const before = sorted[i] - 1;
    if (before >= 0 && !smaller[before]) sorted[begins[text[before]]++] = before;
  }
  const tops = bounds.begin.slice(1);
  for (let i = n - 1; i >= 0; i--) {
    const before = sorted[i] - 1;
    if (before >= 0 && smaller[before]) sorted[--tops[text[before]]] = before;
  }
}

/** Whether the pieces from two starts to the next start behind each are equal. */
function samePiece(text: Uint8Array | Int32Array, isStart: (i: number) => boolean, a: number, b: number): boolean {
  const n = text.length;
  for (let k = 0; ; k++) {
    if (a + k >= n || b + k >= n) return false;
    if (text[a + k] !== text[b + k]) return false;
    if (k === 0) continue;
    const [endA, endB] = [isStart(a + k), isStart(b + k)];
    if (endA || endB) return endA && endB;
  }
}
