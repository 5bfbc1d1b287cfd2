import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { memoryAudit } from '../../src/language/audit/memory.ts';
import { localTextModel } from '../../src/language/generate/local-text-model.ts';
import { openLanguageModel } from '../../src/language/model/language-model.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { canaries, canaryCodes, canaryCopies } from './canaries.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

it.runIf(process.env.WHEREFORE_FULL)(
  'secrets that were learnt 64 times rank above those never seen, with an interval and a rising trend',
  {
    timeout: 120_000,
  },
  async () => {
    const language = await openLanguageModel(fileURLToPath(new URL('models/canaries', import.meta.url)), { runtime });
    const model = localTextModel(language);
    const all = canaries(1);
    const few = 12;
    const some = canaryCopies.flatMap((copies) => all.filter((canary) => canary.copies === copies).slice(0, few));
    const { levels, trend, alarm } = await memoryAudit(model, some, { alternatives: canaryCodes, drawn: 63 });
    const often = levels.find(({ copies }) => copies === 64);
    expect(often?.above?.low).toBeGreaterThan(1);
    expect(often?.exposure.mean).toBeGreaterThan(4);
    // Those never seen are the control: by chance 1.4 bits.
    expect(levels[0].exposure.low ?? 9).toBeLessThan(1.6);
    expect(trend.low).toBeGreaterThan(0);
    expect(alarm).toBe(true);
    await model.close();
    await language.close();
  },
);
