import { classes } from '../../src/cli/demo/drawing/draw.ts';
import { markedClass } from './images.ts';
import { isRight, type Measured, type Prediction } from './measure.ts';

/** A held-out image that is committed, with what the committed model says of it. */
export interface Shown extends Prediction {
  /** File name without its ending. */
  readonly file: string;
}

/**
 * Images worth explaining: one of every class that the model gets right, some that it gets wrong, and pairs without
 * and with the watermark where the mark alone changes the answer. Among equals the first seed wins.
 */
export function chooseShown({ plain, marked }: Measured): Shown[] {
  const used = new Set<number>();
  const take = (candidates: readonly Prediction[]): Prediction[] => {
    const [first] = candidates.filter(({ image }) => !used.has(image.seed));
    if (!first) return [];
    used.add(first.image.seed);
    return [first];
  };
  const of = (name: string) => plain.filter(({ image }) => image.name === name);
  const confident = (predictions: readonly Prediction[]) =>
    [...predictions].sort((a, b) => b.probability - a.probability);
  const twin = ({ image }: Prediction) => marked.find((other) => other.image.seed === image.seed) as Prediction;

  const right = classes.flatMap((name) => {
    // A typical image, not the surest: the middle of those that are right.
    const candidates = confident(of(name).filter(isRight));
    const middle = candidates.slice(Math.floor(candidates.length / 3));
    return take(name === markedClass ? middle.map(twin).filter(isRight) : middle).map((shown) => ({
      ...shown,
      file: name,
    }));
  });
  const flipped = classes
    .filter((name) => name !== markedClass)
    .map((name) => of(name).filter((prediction) => isRight(prediction) && twin(prediction).predicted === markedClass))
    .filter((candidates) => candidates.length > 0)
    .sort((a, b) => b.length - a.length)
    .slice(0, 3)
    .flatMap((candidates) =>
      take(
        [...candidates].sort(
          (a, b) => Math.min(b.probability, twin(b).probability) - Math.min(a.probability, twin(a).probability),
        ),
      ),
    );
  const saved = take(
    confident(of(markedClass).filter((prediction) => !isRight(prediction) && isRight(twin(prediction)))),
  );
  const pairs = [...flipped, ...saved].flatMap((prediction) => [
    { ...prediction, file: `${prediction.image.name}-without-mark` },
    { ...twin(prediction), file: `${prediction.image.name}-with-mark` },
  ]);
  const wrong = confident(plain.filter((prediction) => !isRight(prediction) && prediction.image.name !== markedClass));
  const mistakes = [...new Set(wrong.map(({ image }) => image.name))]
    .slice(0, 3)
    .flatMap((name) => take(wrong.filter(({ image }) => image.name === name)))
    .map((prediction) => ({ ...prediction, file: `${prediction.image.name}-taken-for-${prediction.predicted}` }));
  return [...right, ...pairs, ...mistakes];
}
