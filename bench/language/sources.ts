import { formatTable } from '../../src/cli/table-text.ts';
import { localTextModel } from '../../src/language/generate/local-text-model.ts';
import { openLanguageModel } from '../../src/language/model/language-model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { type AskedSources, askedSources, mostNecessary, usedSources } from '../../test/language/source-evidence.ts';
import { interval } from './interval.ts';

/** What `sources` says of a model that reads its sources, and of one that ignores them. */
export async function measureSources(items: { count: number; sentences: number; seed: number }): Promise<void> {
  const runtime = createNodeRuntime({ threads: 1 });
  const rows: string[][] = [];
  for (const ignoring of [false, true]) {
    const name = ignoring ? 'lookup-ignores' : 'lookup';
    const language = await openLanguageModel(`examples/language/models/${name}`, { runtime });
    const model = localTextModel(language);
    const add = (what: string, values: readonly number[]) => rows.push([name, what, interval(values)]);
    const alone = await askedSources(model, 'alone', { ...items, ignoring });
    const role = ({ use, gold }: AskedSources) => use.sources.find(({ id }) => id === gold);
    add(
      'necessity of the gold source, nats',
      alone.map((one) => role(one)?.necessity ?? 0),
    );
    add(
      'sufficiency beside another source',
      alone.map((one) => role(one)?.sufficiency ?? 0),
    );
    add(
      'all sources against none, nats',
      alone.map(({ use }) => use.withAll - use.withNone),
    );
    add(
      'gold source first',
      alone.map(({ use, gold }) => Number(mostNecessary(use) === gold)),
    );
    add(
      'gold source alone reported as used',
      alone.map(({ use, gold }) => Number(usedSources(use).join() === gold)),
    );
    add(
      'any source reported as used',
      alone.map(({ use }) => Number(usedSources(use).length > 0)),
    );
    const redundant = await askedSources(model, 'redundant', { ...items, ignoring });
    const paired = ({ use, gold, second }: AskedSources) =>
      use.sources.find(({ id }) => id === gold)?.redundantWith === second;
    add(
      'redundant pair named',
      redundant.map((one) => Number(paired(one))),
    );
    if (!ignoring) {
      const conflict = await askedSources(model, 'conflict', items);
      const from = ({ use, gold, second, contradiction }: AskedSources) =>
        mostNecessary(use) === (use.answer.trim() === contradiction ? second : gold);
      add(
        'conflict: the source that is answered from is first',
        conflict.map((one) => Number(from(one))),
      );
      const isLater = ({ use, gold, second, contradiction }: AskedSources) =>
        (use.answer.trim() === contradiction) === place(second as string) > place(gold);
      add(
        'conflict: the later one wins',
        conflict.map((one) => Number(isLater(one))),
      );
    }
    await model.close();
    await language.close();
  }
  console.log(formatTable([['model', `${items.count} questions, ${items.sentences} sources`, 'mean'], ...rows]));
  await runtime.close();
}

const place = (id: string) => Number(id.split(' ')[1]);
