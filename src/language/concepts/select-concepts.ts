/** A concept that was chosen, and why. */
export interface ChosenConcept {
  readonly index: number;
  /** Mutual information of having it (score from .5 on) with the label, in bits. */
  readonly information: number;
  /** Share of texts that have it. */
  readonly coverage: number;
}

/**
 * Chooses concepts one by one: what each tells of the label, times the share of its texts that no chosen one covers yet
 * plus one half; so that they tell something and do not all stand in the same texts.
 * @param scores one row a text
 */
export function selectConcepts(
  scores: readonly (readonly number[])[],
  labels: readonly number[],
  count: number,
): ChosenConcept[] {
  const size = scores[0].length;
  const has = Array.from({ length: size }, (_, k) => scores.map((row) => row[k] >= 0.5));
  const information = has.map((present) => informationOf(present, labels));
  const covered = scores.map(() => false);
  const chosen: ChosenConcept[] = [];
  const left = new Set(has.keys());
  while (chosen.length < count && left.size > 0) {
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (const k of left) {
      const texts = has[k].filter(Boolean).length;
      const fresh = has[k].filter((present, i) => present && !covered[i]).length;
      const value = information[k] * (0.5 + (texts === 0 ? 0 : fresh / texts));
      if (value > most) [best, most] = [k, value];
    }
    left.delete(best);
    for (const [i, present] of has[best].entries()) covered[i] ||= present;
    chosen.push({
      index: best,
      information: information[best],
      coverage: has[best].filter(Boolean).length / scores.length,
    });
  }
  return chosen;
}

/** Mutual information of a truth value with a label, in bits. */
export function informationOf(present: readonly boolean[], labels: readonly number[]): number {
  const joint = new Map<string, number>();
  const [byValue, byLabel] = [new Map<boolean, number>(), new Map<number, number>()];
  for (const [i, value] of present.entries()) {
    const label = labels[i];
    joint.set(`${value} ${label}`, (joint.get(`${value} ${label}`) ?? 0) + 1);
    byValue.set(value, (byValue.get(value) ?? 0) + 1);
    byLabel.set(label, (byLabel.get(label) ?? 0) + 1);
  }
  let bits = 0;
  for (const [value, ofValue] of byValue) {
    for (const [label, ofLabel] of byLabel) {
      const both = (joint.get(`${value} ${label}`) ?? 0) / labels.length;
      if (both > 0) bits += both * Math.log2((both * labels.length ** 2) / (ofValue * ofLabel));
    }
  }
  return bits;
}
