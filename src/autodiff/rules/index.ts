import { WhereforeError } from '../../errors.ts';
import { type OperatorsWith, operatorsThat } from '../../onnx/operators.ts';
import { lookup } from '../../tensor/lookup.ts';
import { activations } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { convolutions } from './convolution.ts';
import { elementary } from './elementary.ts';
import type { RuleEntry, RuleTable } from './entry.ts';
import { indexing } from './indexing.ts';
import { matrix } from './matrix.ts';
import { movement } from './movement.ts';
import { normalization } from './normalization.ts';
import { padding } from './padding.ts';
import { pooling } from './pooling.ts';
import { reductions } from './reductions.ts';

/** Rules that most networks need. */
const common = {
  ...arithmetic,
  ...elementary,
  ...activations,
  ...reductions,
  ...normalization,
  ...matrix,
  ...indexing,
  ...movement,
  ...convolutions,
  ...padding,
  ...pooling,
};

/** Families that few networks need, a third of the code: each is loaded with the first graph that has an operator of it. */
const rareFamilies = {
  einsum: async () => (await import('./einsum.ts')).einsumRules,
  scattering: async () => (await import('./scatter-rules.ts')).scattering,
  fourier: async () => (await import('./fourier.ts')).fourier,
  regions: async () => (await import('./regions.ts')).regions,
  resizing: async () => (await import('./resize.ts')).resizing,
  sampling: async () => (await import('./sampling.ts')).sampling,
  quantization: async () => (await import('./quantization.ts')).quantization,
  recurrentLayers: async () => (await import('./recurrent.ts')).recurrentLayers,
} satisfies Readonly<Record<string, () => Promise<RuleTable>>>;

type RareFamily = keyof typeof rareFamilies;

/** The family of each operator that the table of operators lists with a rule and `common` lacks; one that is missing does not compile. */
const familyOf: Readonly<Record<Exclude<OperatorsWith<'rule'>, keyof typeof common>, RareFamily>> = {
  Einsum: 'einsum',
  ScatterElements: 'scattering',
  ScatterND: 'scattering',
  DFT: 'fourier',
  STFT: 'fourier',
  RoiAlign: 'regions',
  Resize: 'resizing',
  GridSample: 'sampling',
  AffineGrid: 'sampling',
  RNN: 'recurrentLayers',
  GRU: 'recurrentLayers',
  LSTM: 'recurrentLayers',
  QuantizeLinear: 'quantization',
  DequantizeLinear: 'quantization',
  DynamicQuantizeLinear: 'quantization',
  MatMulInteger: 'quantization',
  QLinearMatMul: 'quantization',
  ConvInteger: 'quantization',
  QLinearConv: 'quantization',
  'com.microsoft.QuantizeLinear': 'quantization',
  'com.microsoft.DequantizeLinear': 'quantization',
  'com.microsoft.QLinearAdd': 'quantization',
  'com.microsoft.QLinearMul': 'quantization',
  'com.microsoft.QLinearSigmoid': 'quantization',
  'com.microsoft.QLinearLeakyRelu': 'quantization',
  'com.microsoft.QLinearGlobalAveragePool': 'quantization',
  'com.microsoft.QLinearConcat': 'quantization',
  'com.microsoft.QGemm': 'quantization',
  'com.microsoft.QLinearSoftmax': 'quantization',
  'com.microsoft.QLinearAveragePool': 'quantization',
  'com.microsoft.QLinearWhere': 'quantization',
  'com.microsoft.DynamicQuantizeLSTM': 'quantization',
};

/** Families that were loaded: code, the same for everybody. */
const loaded = new Map<RareFamily, RuleTable>();

/** Operators that have a rule, by key: standard operators by name, others with their domain before it. */
export const operatorsWithRule: ReadonlySet<string> = operatorsThat(({ gradient }) => gradient === 'rule');

/** Whether the rule of an operator is a straight-through estimate, which passes through integers that stand for reals. */
export const isEstimated = (operator: string): boolean => lookup(familyOf, operator) === 'quantization';

/**
 * Makes rules ready: those of some operators, or all. Whatever finds the shapes of a graph has done it for the graph's
 * operators.
 */
export async function loadRules(operators: Iterable<string> = Object.keys(familyOf)): Promise<void> {
  const wanted = new Set<RareFamily>();
  for (const operator of operators) {
    const family = lookup(familyOf, operator);
    if (family && !loaded.has(family)) wanted.add(family);
  }
  await Promise.all([...wanted].map(async (family) => loaded.set(family, await rareFamilies[family]())));
}

/**
 * The vector-Jacobian product of an operator by its key; undefined where there is none.
 * @throws WhereforeError `internal` for one that was not made ready
 */
export function ruleOf(operator: string): RuleEntry | undefined {
  const entry = lookup<RuleEntry>(common, operator);
  const family = entry ? undefined : lookup(familyOf, operator);
  if (!family) return entry;
  const table = loaded.get(family);
  if (!table) throw new WhereforeError('internal', `the rule of ${operator} is not loaded`);
  return lookup<RuleEntry>(table, operator);
}
