import { classes } from './draw.ts';
import { isRight, type Measured, type Prediction } from './measure.ts';
import { markedClass } from './pictures.ts';

/** A held-out picture that is committed, with what the committed model says of it. */
export interface Shown extends Prediction {
  /** File name without its ending. */
  readonly file: string;
}

/**
 * Pictures worth explaining: one of every class that the model gets right, some that it gets wrong, and pairs without
 * and with the watermark where the mark alone changes the answer. Among equals the first seed wins.
 */
export function chooseShown({ plain, marked }: Measured): Shown[] {
  const used = new Set<number>();
  const take = (candidates: readonly Prediction[]): Prediction[] => {
    const [first] = candidates.filter(({ picture }) => !used.has(picture.seed));
    if (!first) return [];
    used.add(first.picture.seed);
    return [first];
  };
  const of = (name: string) => plain.filter(({ picture }) => picture.name === name);
  const confident = (predictions: readonly Prediction[]) =>
    [...predictions].sort((a, b) => b.probability - a.probability);
  const twin = ({ picture }: Prediction) => marked.find((other) => other.picture.seed === picture.seed) as Prediction;

  const right = classes.flatMap((name) => {
    // A typical picture, not the surest: the middle of those that are right.
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
    { ...prediction, file: `${prediction.picture.name}-without-mark` },
    { ...twin(prediction), file: `${prediction.picture.name}-with-mark` },
  ]);
  const wrong = confident(
    plain.filter((prediction) => !isRight(prediction) && prediction.picture.name !== markedClass),
  );
  const mistakes = [...new Set(wrong.map(({ picture }) => picture.name))]
    .slice(0, 3)
    .flatMap((name) => take(wrong.filter(({ picture }) => picture.name === name)))
    .map((prediction) => ({ ...prediction, file: `${prediction.picture.name}-taken-for-${prediction.predicted}` }));
  return [...right, ...pairs, ...mistakes];
}
