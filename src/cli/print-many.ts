import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { percentText } from '../page/number-text.ts';
import type { Overview } from '../report/many/overview.ts';
import type { ShardCost } from '../run/shard.ts';
import { print, printJson, visible } from './terminal.ts';

/** Classes that are named. */
const mostClasses = 8;

/** Prints what a run of many explanations came to, and where its page is. */
export function printMany(folder: string, overview: Overview, cost: ShardCost, json: boolean): void {
  if (json) {
    printJson({ folder, ...overview, cost });
    return;
  }
  const { inputs, explanations, failed, classes, grades, errors } = overview;
  const n = (value: number) => value.toLocaleString('en');
  print(
    `${n(explanations)} explanations of ${n(inputs)} inputs${failed > 0 ? `; could not be explained: ${n(failed)}` : ''}`,
  );
  const named = classes.slice(0, mostClasses).map((one) => `${visible(one.name)} ${n(one.inputs)}`);
  if (named.length > 0)
    print(
      `the model said: ${named.join(', ')}${classes.length > mostClasses ? `, and ${classes.length - mostClasses} more` : ''}`,
    );
  if (grades.good + grades.poor > 0)
    print(
      `add up (E ≤ 1 %): ${n(grades.good)}; do not: ${n(grades.poor)}${errors ? `; E / |T|: half at most ${percentText(errors[0])}, the largest ${percentText(errors[2])}` : ''}`,
    );
  print(`${n(cost.forward)} forward and ${n(cost.backward)} backward passes`);
  print(`\npage: ${join(folder, 'index.html')}\n      ${pathToFileURL(join(folder, 'index.html'))}`);
}
