import type { Dataset } from '../../dataset/dataset.ts';
import { rowOf } from '../../influence/matrix.ts';
import { similarities } from '../../influence/methods/similarity.ts';
import type { Contextual } from './influence-context.ts';

/** Nearest rows that a first look names. */
const named = 5;

/**
 * What is known of a query before any gradient: what the model says, and the nearest rows by representation. One line,
 * for who waits for the scores; how far these agree with it, their document says (`likeSimilarity`).
 */
export function firstLook(
  { context, predicted: [predicted] }: Pick<Contextual, 'context' | 'predicted'>,
  { data, labels, classes }: { data: Dataset; labels: Int32Array; classes: readonly string[] },
): string | undefined {
  const { embeddings, predictions } = context;
  if (!embeddings || !predictions) return undefined;
  const likeness = rowOf(similarities(embeddings.queries, embeddings.rows, 'cosine'), 0);
  const nearest = Array.from(likeness.keys())
    .sort((a, b) => likeness[b] - likeness[a] || a - b)
    .slice(0, named)
    .map((row) => `${data.describe(row)} (${classes[labels[row]] ?? labels[row]})`);
  const said = `${classes[predicted] ?? predicted} (${rowOf(predictions.queries, 0)[predicted].toFixed(3)})`;
  return `first look: the model says ${said}; nearest rows: ${nearest.join(', ')}`;
}
