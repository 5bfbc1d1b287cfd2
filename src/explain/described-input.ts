import { checked } from '../checked.ts';
import { type Preprocessing, preprocessingSchema } from '../data/model/preprocessing.ts';

/** How an input was made, as the preprocessing of a document describes it; undefined where it does not. */
export function describedInput(preprocessing: unknown, name: string): Preprocessing['inputs'][string] | undefined {
  const parsed = checked(preprocessingSchema, preprocessing);
  return parsed.success ? parsed.data.inputs[name] : undefined;
}
