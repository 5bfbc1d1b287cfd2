import * as z from 'zod/mini';
import { baselineSchema } from '../attribution/baselines/index.ts';
import { targetSchema } from '../attribution/targets/kinds/index.ts';
import { checked } from '../checked.ts';
import { WhereforeError } from '../errors.ts';
import { givenGroupsSchema } from './given-groups.ts';
import { scorecardSchema } from './scorecard-document.ts';

/** Version of the document's form; a reader refuses one that it does not know. */
export const documentVersion = 1;

const numberOrNull = z.nullable(z.number());
const shape = z.array(z.int().check(z.minimum(0)));

/** A tensor kept in the safetensors file beside the document, under `key`. */
const stored = z.object({ key: z.string(), type: z.string(), shape });

/** Left, top, right, bottom of a detection, in pixels of the model's input. */
const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

/** How the model's pixels lie over the source image. */
const transform = z.object({
  source: z.tuple([z.number(), z.number()]),
  grid: z.tuple([z.number(), z.number()]),
  scale: z.tuple([z.number(), z.number()]),
  offset: z.tuple([z.number(), z.number()]),
});

/**
 * The explanation document: everything that it takes to read, compare and replay one attribution. Tensors lie in a
 * safetensors file of the same name beside it, under the keys that the document names.
 */
export const explanationSchema = z.object({
  format: z.literal('wherefore/explanation'),
  version: z.literal(documentVersion),
  /** ISO 8601, UTC. */
  created: z.string(),
  versions: z.object({ wherefore: z.string(), runtime: z.string(), node: z.optional(z.string()) }),
  model: z.object({
    name: z.string(),
    /** Path as it was given; the hash decides whether it is the same model. */
    path: z.optional(z.string()),
    hash: z.string(),
    producer: z.optional(z.string()),
  }),
  input: z.object({
    /** Where it came from: a file, a row of a table. */
    source: z.string(),
    /** SHA-256 of the source file. */
    hash: z.optional(z.string()),
    tensors: z.record(z.string(), stored),
    layout: z.object({ channelAxis: z.optional(z.int()), spatialAxes: z.optional(z.array(z.int())) }),
    /** For a recording: samples a second. */
    rate: z.optional(z.number()),
    /** For an image: how the model's grid lies over it. */
    transform: z.optional(transform),
    /** Column, token or channel names along the explained axis, where they are known. */
    names: z.optional(z.array(z.string())),
    /** Values of those features as a person wrote them. */
    texts: z.optional(z.array(z.string())),
    /** Features that are one thing to a person: the columns of a table, the words of a text. */
    groups: z.optional(
      z.object({
        kind: z.enum(['columns', 'words']),
        /** The group of each feature. */
        of: z.array(z.int().check(z.minimum(0))),
        names: z.array(z.string()),
        texts: z.array(z.string()),
        special: z.optional(z.array(z.int())),
        /** What stands at the baseline, for each group, in words. */
        baseline: z.optional(z.array(z.string())),
      }),
    ),
  }),
  /** The preprocessing that made the tensors, as in `wherefore.yaml`. */
  preprocessing: z.optional(z.unknown()),
  /** The model's largest outputs for this input: what it said. */
  prediction: z.optional(
    z.object({
      output: z.string(),
      kind: z.string(),
      top: z.array(
        z.object({
          index: z.int(),
          label: z.optional(z.string()),
          value: z.number(),
          anchor: z.optional(z.int()),
          box: z.optional(box),
          /** Of a label of a token: where it stands, and its word. */
          position: z.optional(z.int()),
          token: z.optional(z.string()),
        }),
      ),
    }),
  ),
  explained: z.array(z.string()),
  target: targetSchema,
  targetDescription: z.string(),
  /** The explained detection, where boxes can be read. */
  box: z.optional(box),
  /** null: the method was run without a stated baseline. */
  baseline: z.nullable(baselineSchema),
  baselineDescription: z.nullable(z.string()),
  /** The baseline input, under these keys. */
  baselineTensors: z.record(z.string(), stored),
  layer: z.array(z.string()),
  isCut: z.boolean(),
  completing: z.array(z.string()),
  method: z.string(),
  methodTitle: z.string(),
  /** What the values are. Documents without it: as the table of methods says. */
  meaning: z.optional(
    z.object({
      kind: z.enum(['share', 'rate', 'mask', 'score']),
      what: z.string(),
      isMean: z.optional(z.literal(true)),
    }),
  ),
  parameters: z.record(z.string(), z.unknown()),
  chosen: z.record(z.string(), z.union([z.number(), z.string()])),
  /** What the caller wanted hidden and shown together. */
  groups: z.optional(givenGroupsSchema),
  /** Elements in no group, which stay as they are; none where it is absent. */
  ungrouped: z.optional(z.int().check(z.positive())),
  attribution: z.record(z.string(), stored),
  /** Standard error of each value, where the method samples; and the largest relative to the largest value. */
  standardErrors: z.optional(z.record(z.string(), stored)),
  relativeStandardError: z.optional(z.number().check(z.minimum(0))),
  /** `f(x)`, `f(x0)`, `T = f(x) − f(x0)`, `ΣA`, `E = |ΣA − T|`, `E / |T|`; no error where the values promise no sum. */
  value: z.number(),
  baselineValue: numberOrNull,
  attributionTarget: numberOrNull,
  sum: z.number(),
  error: numberOrNull,
  relativeError: numberOrNull,
  /** null: the method has no stopping rule. */
  converged: z.nullable(z.boolean()),
  implicitBaseline: z.nullable(z.string()),
  /** What the method attributes with respect to its implicit baseline, where that is not T, and `|ΣA − that|`. */
  implicitTarget: z.optional(numberOrNull),
  implicitError: z.optional(numberOrNull),
  notes: z.array(z.string()),
  gradientNotes: z.array(z.object({ code: z.string(), node: z.string(), operator: z.string(), text: z.string() })),
  cost: z.object({ forward: z.int(), backward: z.int(), seconds: z.number() }),
  /** How good the explanation is, where that was asked for; its passes are not part of `cost`. */
  scorecard: z.optional(scorecardSchema),
  /** A command that computes the same explanation. */
  command: z.optional(z.string()),
});

export type ExplanationDocument = z.infer<typeof explanationSchema>;

/**
 * Reads a document.
 * @throws WhereforeError `invalid-data` for what is not a document or has another version, naming the field
 */
export function parseDocument(text: string, where: string): ExplanationDocument {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not a JSON document', {
      where,
      fix: 'give the explanation.json of a run',
      cause,
    });
  }
  const { format, version } = (content ?? {}) as { format?: unknown; version?: unknown };
  if (format !== 'wherefore/explanation') {
    throw new WhereforeError('invalid-data', 'not an explanation document', {
      where,
      got: `format ${JSON.stringify(format)}`,
      expected: '"wherefore/explanation"',
      fix: 'give the explanation.json of a run',
    });
  }
  if (version !== documentVersion) {
    throw new WhereforeError('invalid-data', 'the document has another version', {
      where,
      got: JSON.stringify(version),
      expected: String(documentVersion),
      fix: 'read it with the version of wherefore that wrote it',
    });
  }
  const parsed = checked(explanationSchema, content);
  if (!parsed.success) {
    throw new WhereforeError('invalid-data', 'the document is damaged', { where, got: z.prettifyError(parsed.error) });
  }
  return parsed.data;
}
