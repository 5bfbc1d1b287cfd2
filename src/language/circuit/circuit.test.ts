import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';
import { type HandSetCircuit, openHandSetCircuit } from '../../../test/language/hand-set-circuit.ts';
import { inductionEdges } from '../../../test/language/induction-circuit.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { openLanguageModel } from '../model/language-model.ts';
import { directAttribution } from '../where/direct-attribution.ts';
import { circuitOf, orderOf, twoRuns } from './circuit.ts';
import { ComponentProgram } from './component-program.ts';
import { componentsOf } from './components.ts';
import { between, edgeAttribution, faithfulness, type TwoRuns } from './edge-attribution.ts';

const runtime = createNodeRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), 'wherefore-circuit-'));
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an induction circuit set by hand', { timeout: 120_000 }, () => {
  const count = process.env.WHEREFORE_FULL ? 24 : 6;
  let circuit: HandSetCircuit;
  beforeAll(async () => {
    circuit = await openHandSetCircuit(folder, { seed: 1, count, runtime });
  });
  afterAll(() => circuit.language.close());

  it('has 106 edges, 7 of them true', async () => {
    const { edges } = (await circuit.program()).edges;
    expect(edges).toHaveLength(106);
    expect(edges.filter(({ name }) => inductionEdges.includes(name))).toHaveLength(7);
  });

  it('is found by EAP-IG where the corruption changes all that it uses, and is faithful alone', async () => {
    const { program, runs, sizes, area } = await circuit.scored({ kind: 'mean' }, 16);
    expect(area).toBeGreaterThanOrEqual(0.95);
    const [{ share }] = await faithfulness(program, runs, orderOf(sizes), [7]);
    expect(share).toBeGreaterThan(0.9);
    expect(share).toBeLessThan(1.1);
  });

  it('is not found by plain EAP, whose slopes vanish, nor where the last token alone is corrupted', async () => {
    expect((await circuit.scored({ kind: 'mean' }, 0)).area).toBeLessThan(0.9);
    expect((await circuit.scored(circuit.lastToken, 16)).area).toBeLessThan(0.75);
  });

  it('is the whole model with all edges, and the corrupted one with none', async () => {
    const program = await circuit.program();
    const runs: TwoRuns = await twoRuns(program, circuit.ids, { kind: 'mean' });
    const [none, all] = [new Set<number>(), new Set(program.edges.edges.keys())];
    const close = (a: readonly number[], b: readonly number[]) =>
      a.forEach((value, i) => expect(value).toBeCloseTo(b[i], 3));
    close(await program.measuredCircuit(runs.clean, runs.other, all), await program.measuredRun(runs.own));
    close(await program.measuredCircuit(runs.clean, runs.other, none), await program.measuredRun(runs.other));
  });

  it('shows heads both ways: the one that looks back is needed, the one that copies restores', async () => {
    const { heads } = await circuitOf(circuit.language, {
      // The tokenizer begins texts with <s>, which stands for token 1 here.
      prompt: 't5 t9 t3 t12 t7 t20 t9',
      answer: ' t3',
      against: ' t12',
      corruption: { kind: 'mean' },
      neurons: 0,
      together: ['layer.0/head.2', 'layer.1/head.1'],
    });
    const of = (name: string) => heads.find((head) => head.name === name);
    expect(of('layer.0/head.2')?.pattern.previous).toBeGreaterThan(0.9);
    expect(of('layer.1/head.1')?.pattern.induction).toBeGreaterThan(0.9);
    expect(of('layer.0/head.2')?.noising).toBeGreaterThan(0.7);
    expect(of('layer.1/head.1')?.noising).toBeGreaterThan(0.7);
    for (const { name, noising } of heads)
      if (!['layer.0/head.2', 'layer.1/head.1'].includes(name)) expect(Math.abs(noising)).toBeLessThan(0.2);
  });
});

describe.each(['llama', 'llama-4bit', 'qwen', 'gemma', 'phi', 'gpt2', 'int8'])(
  'heads and neurons of an export: %s',
  { timeout: 60_000 },
  (name) => {
    const prompt = [1, 260, 69, 102, 261, 80];
    const opening = openLanguageModel(`${languageFixtures}/${name}`, { tokenizer: byteTokenizerPath, runtime });
    afterAll(async () => (await opening).close());

    it('are found, and heads write what their block writes', async () => {
      const language = await opening;
      const { attentions, mlps } = await componentsOf(language);
      expect(attentions.map(({ heads, size }) => [heads, size])).toEqual(attentions.map(() => [2, 16]));
      expect(mlps.map(({ neurons }) => neurons)).toEqual(attentions.map(() => 48));
      const weights = new Map([[5, 1]]);
      const program = await ComponentProgram.open(language, { length: prompt.length, weights: [weights] });
      const own = await program.written(await program.startsOf([prompt]));
      const { logit } = await directAttribution(language, prompt, { position: prompt.length - 1, weights });
      const [measured] = await program.measuredRun(own);
      // Float32 sums in another order.
      expect(measured).toBeCloseTo(logit, 4);
    });

    it('all edges together are the model, and none are the corrupted run', async () => {
      const language = await opening;
      const program = await ComponentProgram.open(language, { length: prompt.length, weights: [new Map([[5, 1]])] });
      const runs = await twoRuns(program, [prompt], { kind: 'mean' });
      const all = new Set(program.edges.edges.keys());
      const [whole] = await program.measuredCircuit(runs.clean, runs.other, all);
      const [nothing] = await program.measuredCircuit(runs.clean, runs.other, new Set());
      expect(whole).toBeCloseTo((await program.measuredRun(runs.own))[0], 4);
      expect(nothing).toBeCloseTo((await program.measuredRun(runs.other))[0], 4);
    });

    it('the score of an edge is what F changes with it, where the change is small', async () => {
      const language = await opening;
      const program = await ComponentProgram.open(language, { length: prompt.length, weights: [new Map([[5, 1]])] });
      const clean = await program.startsOf([prompt]);
      const near = await twoRuns(program, [prompt], { kind: 'tokens', texts: [[1, 260, 69, 102, 261, 81]] });
      // A hundredth of the way to another text: F is nearly linear there.
      const corrupted = between(near.corrupted, clean, 1e-2);
      const runs = { clean, corrupted, own: near.own, other: await program.written(corrupted) };
      const { effects } = await edgeAttribution(program, runs, 1);
      const all = new Set(program.edges.edges.keys());
      const [whole] = await program.measuredCircuit(clean, runs.other, all);
      for (const e of orderOf(effects.map(Math.abs)).slice(0, 3)) {
        const [without] = await program.measuredCircuit(clean, runs.other, new Set([...all].filter((i) => i !== e)));
        expect((whole - without) / effects[e]).toBeGreaterThan(0.9);
        expect((whole - without) / effects[e]).toBeLessThan(1.1);
      }
    });
  },
);
