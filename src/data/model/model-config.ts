import { WhereforeError } from '../../errors.ts';
import type { PreprocessingText } from './preprocessing.ts';

/** What the `config.json` of a model (Hugging Face) says that a graph does not. */
export interface ModelConfig {
  readonly task?: PreprocessingText['task'];
  /** Names of the classes by index (`id2label`). */
  readonly labels?: readonly string[];
  /** Whether an input may belong to several classes (`problem_type`). */
  readonly isMultiLabel: boolean;
  /** Number of tokens of the vocabulary. */
  readonly vocabularySize?: number;
  /** Longest input in tokens. */
  readonly longest?: number;
}

/** The task by the ending of an architecture's name: `BertForSequenceClassification`. */
const tasks: readonly (readonly [ending: RegExp, task: PreprocessingText['task']])[] = [
  [/For(Sequence|Image|Audio|Video)Classification$/, 'classification'],
  [/ForTokenClassification$/, 'token-classification'],
  [/For(CausalLM|MaskedLM)$|LMHeadModel$/, 'language'],
  [/For(Semantic|Image)Segmentation$/, 'segmentation'],
  [/Model$/, 'embedding'],
];

/**
 * Reads a `config.json`. Keys that are missing, or of other tools, say nothing.
 * @throws WhereforeError `invalid-data` where it is no JSON object, or names classes with gaps
 */
export function parseModelConfig(json: string, where = 'config.json'): ModelConfig {
  const content = objectOf(json, where);
  const { architectures, problem_type: problem } = content;
  const [architecture] = Array.isArray(architectures) ? architectures.filter((name) => typeof name === 'string') : [];
  const stated = tasks.find(([ending]) => architecture !== undefined && ending.test(architecture))?.[1];
  const labels = labelsOf(content.id2label, where);
  const isRegression = problem === 'regression' || (stated === 'classification' && labels?.length === 1);
  return {
    task: isRegression ? 'regression' : stated,
    labels: labels && labels.length > 1 && !isRegression ? labels : undefined,
    isMultiLabel: problem === 'multi_label_classification',
    vocabularySize: countOf(content.vocab_size),
    longest: longestOf(content),
  };
}

function objectOf(json: string, where: string): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = JSON.parse(json);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not JSON', { where, cause });
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return { ...content };
  throw new WhereforeError('invalid-data', 'not a configuration of a model', { where, expected: 'a JSON object' });
}

function labelsOf(names: unknown, where: string): string[] | undefined {
  if (typeof names !== 'object' || names === null) return undefined;
  const entries = Object.entries(names);
  // Keys that are whole numbers come in their order, whatever the file's.
  if (entries.every(([key, name], i) => key === String(i) && typeof name === 'string')) {
    return entries.map(([, name]) => name as string);
  }
  throw new WhereforeError('invalid-data', 'id2label names no classes', {
    where,
    got: JSON.stringify(names).slice(0, 80),
    expected: '{ "0": "name", "1": "name", … } without gaps',
  });
}

/** Positions of some models begin behind that of the padding token. */
const countedFromPadding = /^(xlm-)?roberta|^camembert|^mpnet|^longformer/;

function longestOf(content: Readonly<Record<string, unknown>>): number | undefined {
  const positions = countOf(content.max_position_embeddings) ?? countOf(content.n_positions);
  const { model_type: type, pad_token_id: padding } = content;
  const isLater = typeof type === 'string' && countedFromPadding.test(type);
  if (positions === undefined || !isLater) return positions;
  return countOf(positions - 1 - (typeof padding === 'number' ? padding : 1));
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
