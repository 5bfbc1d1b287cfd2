import * as z from 'zod/mini';
import type { ModelInput } from '../../data/inputs/model-input.ts';
import { WhereforeError } from '../../errors.ts';
import { checkTensor, checkTensors } from '../../tensor/check-tensor.ts';
import { formatShape, sameShape, type Tensor } from '../../tensor/tensor.ts';
import type { BaselineKind, BaselineSurroundings, ExplainedInput, GivenBaseline } from './kind.ts';
import { inTypeOf } from './numbers.ts';

const colours: Readonly<Record<string, readonly [number, number, number]>> = {
  black: [0, 0, 0],
  white: [255, 255, 255],
  grey: [128, 128, 128],
};

const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i;

export const input = {
  stated: z.object({ description: z.string() }),
  document: z.object({ kind: z.literal('input'), description: z.string() }),
  beside: 'input',
  forms: [
    ...Object.entries(colours).map(([name, colour]) => ({
      text: name,
      words: [name],
      read: (_: string, surroundings: BaselineSurroundings) => (at: ModelInput) =>
        surroundings.colour(at, colour, `${name} image`),
    })),
    {
      text: '#rrggbb',
      matches: (text) => hex.test(text),
      read: (text, surroundings) => {
        const [red, green, blue] = (hex.exec(text) ?? []).slice(1).map((digits) => Number.parseInt(digits, 16));
        return (at) => surroundings.colour(at, [red, green, blue], `${text} image`);
      },
    },
    { text: 'or a file', matches: (text) => /[./\\]/.test(text), read: (path, { file }) => file(path) },
  ],
  resolve: (at, baseline) => [givenFor(at, baseline)],
  describe: ({ description }) => description,
  write: () => undefined,
  check: checkGiven,
} satisfies BaselineKind<GivenBaseline>;

/** The tensor that is given for one input. */
function givenFor({ name, input, alone }: ExplainedInput, { tensor, tensors }: GivenBaseline): Tensor {
  if (tensor && !alone) {
    throw new WhereforeError('invalid-argument', 'the baseline is one tensor, but several inputs are explained', {
      where: `input "${name}"`,
      got: `${tensor.type} ${formatShape(tensor.shape)}`,
      expected: 'a tensor for each explained input, by its name',
      fix: "give { kind: 'input', tensors: new Map([[name, tensor], …]) }, or a file with all of them",
    });
  }
  const given = inTypeOf(input, tensor ?? tensors?.get(name));
  if (!given || !sameShape(given.shape, input.shape) || given.type !== input.type) {
    throw new WhereforeError('wrong-shape', `the baseline does not fit the input "${name}"`, {
      got: given ? `${given.type} ${formatShape(given.shape)}` : 'no tensor of that name',
      expected: `${input.type} ${formatShape(input.shape)}`,
    });
  }
  return given;
}

function checkGiven(baseline: GivenBaseline, where: string): void {
  if ((baseline.tensor === undefined) === (baseline.tensors === undefined)) {
    throw new WhereforeError('invalid-argument', 'a given baseline', {
      where,
      got: baseline.tensor ? 'both' : 'neither',
      expected: '`tensor` for the only explained input, or `tensors` by input name',
    });
  }
  if (baseline.tensor !== undefined) checkTensor(baseline.tensor, `${where}, tensor`);
  else checkTensors(baseline.tensors, `${where}, tensors`);
}
