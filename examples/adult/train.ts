// Trains the Adult example: `npm run adult -- <adult.data> [<folder>]`.
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { makeAdult } from './make.ts';

const [data, out = '.wherefore/adult'] = process.argv.slice(2);
const say = (text: string) => process.stdout.write(`${text}\n`);
if (data === undefined) {
  say('Which data? npm run adult -- <adult.data of the UCI repository> [<folder>]');
  process.exitCode = 1;
} else {
  const runtime = createNodeRuntime();
  const { accuracy } = await makeAdult({ data, out, runtime, say });
  await runtime.close();
  say(`accuracy ${accuracy.toFixed(3)} on rows that were not trained on; written to ${out}. Explain one of them with`);
  say(`wherefore explain ${out}/adult.csv#3 --model ${out}/adult.onnx`);
}
