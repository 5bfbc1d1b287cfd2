import type { LayerCandidate } from '../attribution/layers.ts';
import { WhereforeError } from '../errors.ts';
import { rearranges } from '../onnx/operators.ts';
import { formatShape } from '../tensor/tensor.ts';

/** Where channels and space lie in an input of images. */
export interface ImageLayout {
  readonly channelAxis: 1 | 3;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** A value of the graph whose elements lie over the image. */
export interface FeatureMap {
  readonly name: string;
  /** How it lies in memory: channels first, channels last, or tokens `[N, skipped + H·W, D]`. */
  readonly form: 'NCHW' | 'NHWC' | 'tokens';
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Tokens before those of the grid (a class token, registers). */
  readonly skipped: number;
  readonly isCut: boolean;
}

/** Operators that only move elements, or whose fusion with the next one a further reader could prevent. */
const isSkipped = (operator: string) => rearranges(operator) || operator === 'Pad' || operator === 'Softmax';

/** Every value that can be read as a map over the image, in the order in which they are computed. */
export function featureMaps(candidates: readonly LayerCandidate[], layout: ImageLayout): FeatureMap[] {
  return candidates.flatMap((candidate) => {
    const map = isSkipped(candidate.operator) ? undefined : asMap(candidate, layout);
    return map ? [map] : [];
  });
}

function asMap({ name, shape, isCut }: LayerCandidate, layout: ImageLayout): FeatureMap | undefined {
  const liesOver = (height: number, width: number) => {
    // Windows that are not padded lose a row or two: the ratio of sides is near that of the image, not the same.
    const slack = 1.5 / Math.min(height, width);
    const ratio = (height / width) * (layout.width / layout.height);
    return (
      height >= 2 && width >= 2 && height <= layout.height && width <= layout.width && Math.abs(ratio - 1) <= slack
    );
  };
  if (shape.length === 4) {
    const [, a, b, c] = shape;
    if (liesOver(b, c)) return { name, form: 'NCHW', channels: a, height: b, width: c, skipped: 0, isCut };
    if (liesOver(a, b)) return { name, form: 'NHWC', channels: c, height: a, width: b, skipped: 0, isCut };
    return undefined;
  }
  if (shape.length !== 3) return undefined;
  const [, tokens, channels] = shape;
  for (let skipped = 0; skipped <= 8; skipped++) {
    const height = Math.round(Math.sqrt(((tokens - skipped) * layout.height) / layout.width));
    const width = (tokens - skipped) / height;
    const fits = Number.isInteger(width) && height * layout.width === width * layout.height;
    if (fits && height >= 2) return { name, form: 'tokens', channels, height, width, skipped, isCut };
  }
  return undefined;
}

/**
 * Up to three maps, low to high: of each of the last three resolutions the last map that all paths pass through; where
 * every map has one resolution (tokens), the maps at a third, two thirds and the end.
 * @throws WhereforeError `unsupported-model` when there is none, `unknown-name` for a layer that is no map
 */
export function chooseFeatureMaps(maps: readonly FeatureMap[], wanted?: readonly string[]): FeatureMap[] {
  if (wanted) {
    return wanted.map((name) => {
      const found = maps.find((map) => map.name === name);
      if (found) return found;
      throw new WhereforeError('unknown-name', `"${name}" is no feature map of the model`, {
        expected: maps.map((map) => `"${map.name}" ${formatShape([map.channels, map.height, map.width])}`).join(', '),
      });
    });
  }
  const cuts = maps.filter(({ isCut }) => isCut);
  const usable = cuts.length ? cuts : maps;
  if (usable.length === 0) {
    throw new WhereforeError('unsupported-model', 'the model has no value that lies over the image', {
      fix: 'train an explainer that reads the input alone (--reads input)',
    });
  }
  const resolutions = new Map<string, FeatureMap>();
  for (const map of usable) resolutions.set(`${map.height}×${map.width}`, map);
  const byResolution = [...resolutions.values()];
  const tokens = usable.filter(({ form }) => form === 'tokens');
  if (byResolution.length > 1 || tokens.length === 0) return byResolution.slice(-3);
  const at = (share: number) => tokens[Math.round(share * (tokens.length - 1))];
  return [...new Set([at(1 / 3), at(2 / 3), at(1)])];
}
