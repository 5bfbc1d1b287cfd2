import { decoderModel } from '../../examples/language/decoder.ts';
import { lookupShape } from '../../examples/language/lookup.ts';
import { formatTable } from '../../src/cli/table-text.ts';
import { type LanguageModel, openLanguageModel } from '../../src/language/model/language-model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import {
  type Evidence,
  evidenceMethods,
  type LookupItems,
  lookupEvidence,
} from '../../test/language/lookup-evidence.ts';
import { openDecoderModel } from '../../test/language/opened.ts';
import { interval } from './interval.ts';

const medianOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Which sentence an answer is from, by every method, on the trained lookup. */
export async function measureLookup(items: LookupItems): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const language = await openLanguageModel('examples/language/models/lookup', { runtime });
  await printEvidence('trained', language, items).finally(() => language.close());
  await runtime.close();
}

/** The same on a model with random weights, whatever it answers. */
export async function measureRandomLookup(items: LookupItems): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const language = await openDecoderModel(lookupShape, decoderModel(lookupShape, 7), runtime);
  await printEvidence('random weights', language, { ...items, least: 0 }).finally(() => language.close());
  await runtime.close();
}

async function printEvidence(title: string, language: LanguageModel, items: LookupItems): Promise<void> {
  const { confidence, methods, ldsOfCount, spread } = await lookupEvidence(language, items);
  const sure = confidence.map((p) => Number(p > 0.5));
  console.log(
    `${title}: ${items.sentences} sentences, ${items.count} texts that are answered; p(answer) > .5 in ${interval(sure)} of ${confidence.length}`,
  );
  console.log(`LDS of the number of kept sentences ${interval(ldsOfCount)}; spread of log p ${interval(spread)} nats`);
  const rows = Object.entries(methods).map(([name, found]) => {
    const of = (key: keyof Evidence) => found.map((one) => one[key] as number);
    const { title: label, calls } = evidenceMethods[name];
    const error = found[0].error === undefined ? '' : medianOf(of('error')).toExponential(1);
    const measured = [interval(of('hit')), interval(of('beatsRandom')), interval(of('lds')), interval(of('top3'), 2)];
    return [label, String(calls(items.sentences)), ...measured, error];
  });
  const head = ['method', 'calls', 'recall@1', 'beats random', 'LDS', 'top 3: nats lost', 'error of the sum'];
  console.log(formatTable([head, ...rows]));
}
