import type { ModelInput } from '../../data/inputs/model-input.ts';
import { WhereforeError } from '../../errors.ts';
import { boxOnImage } from '../box-on-image.ts';
import { type Box, intersectionOverUnion } from '../detector-grid.ts';
import { type Detection, distinctObjects } from './distinct-objects.ts';
import type { Said } from './kind.ts';

/** Objects from this score on count as found. */
const foundScore = 0.1;

/** Which of the detected objects is meant. */
export type DetectionChoice =
  /** The one of a class with the highest score (`rank` 1), the next (2), …. */
  | { readonly class: number; readonly rank: number }
  /** The one that fits this box best, by overlap times score: left, top, right, bottom in pixels of the image. */
  | { readonly box: Box };

/**
 * The row of a detector's grid that shows an object best.
 * @throws WhereforeError `invalid-argument` for a model that is no detector, or an object that was not found: what was
 *   found is named
 */
export function foundObject(
  choice: DetectionChoice,
  input: ModelInput,
  { detections, summary }: Said,
  labels: readonly string[] | undefined,
): { readonly output: string; readonly anchor: number; readonly class: number } {
  if (!detections) {
    throw new WhereforeError('invalid-argument', 'a detection needs a model that is known to be a detector', {
      where: input.source,
      got: `output "${summary.output}"`,
      fix: 'set task: detection in wherefore.yaml',
    });
  }
  const objects = distinctObjects(detections);
  const found = 'box' in choice ? nearestBox(choice.box, objects, input) : ranked(choice, objects);
  if (found) return { output: summary.output, anchor: found.anchor, class: found.class };
  const name = (index: number) => (labels?.[index] ? `"${labels[index]}"` : `class ${index}`);
  const what =
    'box' in choice ? 'at that place' : `${name(choice.class)}${choice.rank > 1 ? ` number ${choice.rank}` : ''}`;
  throw new WhereforeError(
    'invalid-argument',
    `the model found no object ${what} with a score of ${100 * foundScore} % or more`,
    {
      where: input.source,
      got: foundText(objects, input, name),
      fix:
        'box' in choice
          ? 'name one of these, or a box that overlaps it: left, top, right, bottom in pixels of the image'
          : 'name one of these, or a row of the grid whatever it shows: detection:ANCHOR,CLASS',
    },
  );
}

const isFound = ({ score }: Detection) => score >= foundScore;

function ranked({ class: wanted, rank }: { class: number; rank: number }, objects: readonly Detection[]) {
  return objects.filter((object) => object.class === wanted && isFound(object))[rank - 1];
}

/** The object that fits a given box best, by overlap times score; undefined where none does. */
function nearestBox(wanted: Box, objects: readonly Detection[], input: ModelInput): Detection | undefined {
  let best: Detection | undefined;
  let most = 0;
  for (const object of objects.filter(isFound)) {
    const box = shownBox(object, input);
    // Of two objects at one place the more certain one is meant.
    const fit = box ? intersectionOverUnion(box, wanted) * object.score : 0;
    if (fit > most) [best, most] = [object, fit];
  }
  return best;
}

/** A box in pixels of the image that a person sees; of an input that is none, in those of the model. */
function shownBox({ box }: Detection, { image }: ModelInput): Box | undefined {
  return box && image ? boxOnImage(box, image.transform) : box;
}

/** `"cat" 80 % at (12,40,200,310), "dog" 77 % at (…)` */
function foundText(objects: readonly Detection[], input: ModelInput, name: (index: number) => string): string {
  const told = objects.filter(isFound).slice(0, 8);
  const texts = told.map((object) => {
    const box = shownBox(object, input);
    const place = box ? ` at (${box.map((value) => Math.round(value)).join(',')})` : '';
    return `${name(object.class)} ${Math.round(100 * object.score)} %${place}`;
  });
  return texts.join(', ') || 'nothing';
}
