import type { RuleContext } from '../context.ts';
import type { CellActivation } from './recurrent-activations.ts';

/**
 * One direction of a recurrent layer, in the order in which the steps run. Sequences are [time, batch, …]; weights have
 * the gates one after another.
 */
export interface Direction {
  readonly time: number;
  readonly batch: number;
  readonly hidden: number;
  /** [time, batch, inputs] */
  readonly x: string;
  /** The state before each step, [time, batch, hidden]: known from the layer's output, nothing has to be run again. */
  readonly previous: string;
  /** [gates · hidden, inputs] and [gates · hidden, hidden] */
  readonly w: string;
  readonly r: string;
  /** [gates · hidden] each; undefined for zero */
  readonly inputBias: string | undefined;
  readonly stateBias: string | undefined;
  /** LSTM: [1, batch, hidden] */
  readonly initialCell: string;
  /** LSTM: [hidden] each, for the input, output and forget gate */
  readonly peepholes: readonly [string, string, string] | undefined;
  readonly activations: readonly CellActivation[];
  /** Gradient that flows into the state (and, LSTM, the cell) after each step from outside, [1, batch, hidden]. */
  readonly intoState: readonly (string | undefined)[];
  readonly intoCell: readonly (string | undefined)[];
}

/** What a cell's backward pass gives. */
export interface CellGradient {
  /** By x·Wᵀ + its bias, [time, batch, gates · hidden]. */
  readonly projected: string;
  /** By h·Rᵀ + its bias. */
  readonly recurrent: string;
  /** By R, [gates · hidden, hidden]: a function, so that it is computed only where asked for. */
  readonly r: () => string;
  readonly initialState: string;
  readonly initialCell?: string;
  /** [3 · hidden] */
  readonly peepholes?: () => string;
}

/** The pieces of the first axis, each of size 1. */
export function steps(c: RuleContext, sequence: string, time: number): string[] {
  if (time === 1) return [sequence];
  return c.ops('Split', [sequence, c.ints(Array.from({ length: time }, () => 1))], { axis: 0 }, time);
}

/** The sum of those that are there. */
export function sumOf(c: RuleContext, terms: readonly (string | undefined)[]): string | undefined {
  const given = terms.filter((term) => term !== undefined);
  return given.length > 1 ? c.op(given.length === 2 ? 'Add' : 'Sum', given) : given[0];
}

const joined = (c: RuleContext, parts: readonly string[], axis: number) =>
  parts.length === 1 ? parts[0] : c.op('Concat', parts, { axis });
const like = (c: RuleContext) => c.input(0);
const oneMinus = (c: RuleContext, a: string) => c.sub(c.scalar(1, like(c)), a);

/** a·Bᵀ for a sequence and a matrix. */
const project = (c: RuleContext, a: string, matrix: string) => c.op('MatMul', [a, c.transpose(matrix, [1, 0])]);

/** Σ over time and batch of the outer products: aᵀ·b with both seen as [time · batch, …]. */
export function outer(c: RuleContext, a: string, b: string): string {
  const rows = (value: string) => c.op('Flatten', [value], { axis: 2 });
  return c.op('MatMul', [c.transpose(rows(a), [1, 0]), rows(b)]);
}

function gates(c: RuleContext, value: string, count: number, hidden: number, axis: number): string[] {
  return c.ops('Split', [value, c.ints(Array.from({ length: count }, () => hidden))], { axis }, count);
}

/** A projection of the inputs or states with its bias. */
const affine = (c: RuleContext, a: string, matrix: string, bias: string | undefined) =>
  bias ? c.add(project(c, a, matrix), bias) : project(c, a, matrix);

/** h = f(z), z = x·Wᵀ + h₋·Rᵀ + b. Backwards: dz = dh·f′(z), dh₋ = dz·R. */
export function rnnCell(c: RuleContext, d: Direction): CellGradient {
  const z = c.add(affine(c, d.x, d.w, d.inputBias), affine(c, d.previous, d.r, d.stateBias));
  const slopes = steps(c, d.activations[0](c, z).slope, d.time);
  const gradients: string[] = [];
  let next: string | undefined;
  for (let t = d.time - 1; t >= 0; t--) {
    const dh = sumOf(c, [d.intoState[t], next]) ?? zeroStep(c, d);
    gradients.unshift(c.mul(dh, slopes[t]));
    next = c.op('MatMul', [gradients[0], d.r]);
  }
  const dz = joined(c, gradients, 0);
  return { projected: dz, recurrent: dz, r: () => outer(c, dz, d.previous), initialState: next as string };
}

const zeroStep = (c: RuleContext, d: Direction) => c.zeros([1, d.batch, d.hidden], like(c));

/**
 * GRU, gates z (update), r (reset), n (new): h = (1 − z)·n + z·h₋,
 * n = g(xₙ + r·(h₋·Rₙᵀ + b)) with `linear_before_reset`, g(xₙ + (r·h₋)·Rₙᵀ + b) without.
 * All factors of the backward recurrence are known for the whole sequence at once; only dh runs step by step.
 */
export function gruCell(c: RuleContext, d: Direction, linearBeforeReset: boolean): CellGradient {
  const [f, g] = d.activations;
  const [xz, xr, xn] = gates(c, affine(c, d.x, d.w, d.inputBias), 3, d.hidden, 2);
  const [rz, rr, rn] = gates(c, d.r, 3, d.hidden, 0);
  const [bz, br, bn] = d.stateBias ? gates(c, d.stateBias, 3, d.hidden, 0) : [];
  const z = f(c, c.add(xz, affine(c, d.previous, rz, bz)));
  const r = f(c, c.add(xr, affine(c, d.previous, rr, br)));
  const state = linearBeforeReset ? affine(c, d.previous, rn, bn) : affine(c, c.mul(r.value, d.previous), rn, bn);
  const n = g(c, c.add(xn, linearBeforeReset ? c.mul(r.value, state) : state));
  const factorZ = c.mul(c.sub(d.previous, n.value), z.slope);
  const factorN = c.mul(oneMinus(c, z.value), n.slope);
  const keep = steps(c, z.value, d.time);
  const states: string[] = [];
  let next: string | undefined;
  const stateAt = (t: number) => {
    states.unshift(sumOf(c, [d.intoState[t], next]) ?? zeroStep(c, d));
    return states[0];
  };

  if (linearBeforeReset) {
    const factorR = c.mul(c.mul(factorN, state), r.slope);
    const factors = steps(c, joined(c, [factorZ, factorR, c.mul(factorN, r.value)], 2), d.time);
    for (let t = d.time - 1; t >= 0; t--) {
      const dh = stateAt(t);
      const through = c.op('MatMul', [c.mul(joined(c, [dh, dh, dh], 2), factors[t]), d.r]);
      next = c.add(through, c.mul(dh, keep[t]));
    }
    const dh = joined(c, states, 0);
    const [dz, dr, dn] = [factorZ, factorR, factorN].map((factor) => c.mul(dh, factor));
    const recurrent = joined(c, [dz, dr, c.mul(dn, r.value)], 2);
    return {
      projected: joined(c, [dz, dr, dn], 2),
      recurrent,
      r: () => outer(c, recurrent, d.previous),
      initialState: next as string,
    };
  }

  // dn reaches r and h₋ only through (r·h₋)·Rₙᵀ.
  const factorR = steps(c, c.mul(d.previous, r.slope), d.time);
  const [stepsZ, stepsN, reset] = [factorZ, factorN, r.value].map((factor) => steps(c, factor, d.time));
  const updateAndReset = joined(c, [rz, rr], 0);
  const resets: string[] = [];
  for (let t = d.time - 1; t >= 0; t--) {
    const dh = stateAt(t);
    const behind = c.op('MatMul', [c.mul(dh, stepsN[t]), rn]);
    resets.unshift(c.mul(behind, factorR[t]));
    const through = c.op('MatMul', [joined(c, [c.mul(dh, stepsZ[t]), resets[0]], 2), updateAndReset]);
    next = c.op('Sum', [through, c.mul(behind, reset[t]), c.mul(dh, keep[t])]);
  }
  const dh = joined(c, states, 0);
  const [dz, dr, dn] = [c.mul(dh, factorZ), joined(c, resets, 0), c.mul(dh, factorN)];
  const projected = joined(c, [dz, dr, dn], 2);
  const r0 = () =>
    joined(c, [outer(c, joined(c, [dz, dr], 2), d.previous), outer(c, dn, c.mul(r.value, d.previous))], 0);
  return { projected, recurrent: projected, r: r0, initialState: next as string };
}

/**
 * LSTM, gates i, o, f, c: C = f·C₋ + i·g, h = o·H(C); with peepholes i and f see C₋ and o sees C.
 *
 * The states h₋ come from the layer's output, so that all gates but those with peepholes are computed for the whole
 * sequence at once; C is one multiplication and one addition a step. Backwards, with every factor known beforehand:
 *   dC = dh·(o·H′ + H·o′·Pₒ) + dC₊,  dz = [dC·g·i′, dh·H·o′, dC·C₋·f′, dC·i·g′],
 *   dh₋ = dz·R,  dC₋ = dC·(f + g·i′·Pᵢ + C₋·f′·P_f)
 * With `input_forget` f = 1 − i, so that i′ acts through g − C₋ and f has no factor of its own.
 */
export function lstmCell(c: RuleContext, d: Direction, coupled: boolean): CellGradient {
  const [gate, candidate, output] = d.activations;
  const bias = sumOf(c, [d.inputBias, d.stateBias]);
  const z = c.add(affine(c, d.x, d.w, bias), project(c, d.previous, d.r));
  const [zi, zo, zf, zc] = gates(c, z, 4, d.hidden, 2);
  const [pi, po, pf] = d.peepholes ?? [];
  const g = candidate(c, zc);
  const peeking = (value: string, peephole: string | undefined, cell: string) =>
    peephole ? c.add(value, c.mul(cell, peephole)) : value;
  const inputGate = (value: string, before: string) => gate(c, peeking(value, pi, before));
  const forgetGate = (value: string, before: string, input: string) =>
    coupled ? { value: oneMinus(c, input), slope: undefined } : gate(c, peeking(value, pf, before));

  const cells = d.peepholes ? withPeepholes() : withoutPeepholes();
  const cell = joined(c, cells, 0);
  const before = joined(c, [d.initialCell, ...cells.slice(0, -1)], 0);
  const i = inputGate(zi, before);
  const f = forgetGate(zf, before, i.value);
  const o = gate(c, peeking(zo, po, cell));
  const h = output(c, cell);

  const factorI = c.mul(coupled ? c.sub(g.value, before) : g.value, i.slope);
  const factorO = c.mul(h.value, o.slope);
  const factorF = f.slope ? c.mul(before, f.slope) : c.zeros([d.time, d.batch, d.hidden], like(c));
  const factors = steps(c, joined(c, [factorI, factorO, factorF, c.mul(i.value, g.slope)], 2), d.time);
  const intoCell = steps(c, sumOf(c, [c.mul(o.value, h.slope), po && c.mul(factorO, po)]) as string, d.time);
  const carried = [f.value, pi && c.mul(factorI, pi), !coupled && pf ? c.mul(factorF, pf) : undefined];
  const carry = steps(c, sumOf(c, carried) as string, d.time);

  const gradients: string[] = [];
  let nextState: string | undefined;
  let nextCell: string | undefined;
  for (let t = d.time - 1; t >= 0; t--) {
    const dh = sumOf(c, [d.intoState[t], nextState]) ?? zeroStep(c, d);
    const dc = sumOf(c, [c.mul(dh, intoCell[t]), nextCell, d.intoCell[t]]) as string;
    gradients.unshift(c.mul(joined(c, [dc, dh, dc, dc], 2), factors[t]));
    nextState = c.op('MatMul', [gradients[0], d.r]);
    nextCell = c.mul(dc, carry[t]);
  }
  const dz = joined(c, gradients, 0);
  const peepholes = () => {
    const [di, dO, df] = gates(c, dz, 4, d.hidden, 2);
    const sums = [c.mul(di, before), c.mul(dO, cell), c.mul(df, before)].map((a) => c.reduceSum(a, [0, 1], false));
    return joined(c, sums, 0);
  };
  return {
    projected: dz,
    recurrent: dz,
    r: () => outer(c, dz, d.previous),
    initialState: nextState as string,
    initialCell: nextCell,
    peepholes,
  };

  function withoutPeepholes(): string[] {
    const input = gate(c, zi).value;
    const added = steps(c, c.mul(input, g.value), d.time);
    const kept = steps(c, forgetGate(zf, '', input).value, d.time);
    return scan((previous, t) => c.add(c.mul(kept[t], previous), added[t]));
  }

  function withPeepholes(): string[] {
    const [stepsI, stepsF, stepsG] = [zi, zf, g.value].map((value) => steps(c, value, d.time));
    return scan((previous, t) => {
      const input = inputGate(stepsI[t], previous).value;
      const kept = forgetGate(stepsF[t], previous, input).value;
      return c.add(c.mul(kept, previous), c.mul(input, stepsG[t]));
    });
  }

  function scan(step: (previous: string, t: number) => string): string[] {
    const all: string[] = [];
    for (let t = 0; t < d.time; t++) all.push(step(all[t - 1] ?? d.initialCell, t));
    return all;
  }
}
