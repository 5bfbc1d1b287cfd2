import { resizeImage } from '../../data/formats/resize.ts';
import { describedInput } from '../../explain/described-input.ts';
import type { ExplanationDocument } from '../../explain/document.ts';
import { type Explained, storedTensor } from '../../explain/explained.ts';
import { toFloat32 } from '../../tensor/convert.ts';
import { maxOf } from '../../tensor/extremes.ts';
import { float32, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { MapFigure } from '../figures.ts';
import { dataUri, greyImage, overlayMap } from '../heat-map.ts';
import { type Html, html } from '../html.ts';
import { signedText } from '../number-text.ts';
import { layOver, scaleLimit } from '../signed-map.ts';

import type { PageImages } from './images.ts';

/** Channels that get a map of their own; the others are added up in words. */
const mostChannels = 8;
/** Longest side of a channel's map, in pixels. */
const side = 96;

interface ChannelMap {
  readonly name: string;
  readonly sum: number;
  /** Σ|A|: what makes a channel worth a map. */
  readonly size: number;
  readonly map: Tensor<'float32'>;
}

/** The map of a layer channel by channel, the largest first; undefined for one channel, a mask, means, or several layers. */
export async function renderChannels(
  explained: Explained,
  figure: MapFigure,
  images: PageImages,
): Promise<Html | undefined> {
  const channels = figure.mask || figure.mean ? [] : channelsOf(explained);
  if (channels.length < 2) return undefined;
  const named = channels.length <= 4;
  const order = named ? channels : [...channels].sort((a, b) => b.size - a.size);
  const shown = order.slice(0, mostChannels);
  const others = order.slice(mostChannels);
  const frame = await smallFrame(figure);
  const laid = shown.map(({ map }) => layOver([{ layer: '', map, elsewhere: 0 }], frame));
  const limit = maxOf(laid.map(scaleLimit));
  const grey = await images.photograph(greyImage(frame));
  const [height, width] = frame.image.shape;
  const maps = await Promise.all(
    shown.map(async ({ name, sum }, i) => {
      const uri = await dataUri(overlayMap(laid[i], limit), 'png');
      return html`<figure><div class="stage" style="aspect-ratio:${width}/${height}"><img class="grey" src="${grey}" alt=""><img class="heat" src="${uri}" alt="Map of ${name}"></div><figcaption>${name}<br><b>${signedText(sum)}</b></figcaption></figure>`;
    }),
  );
  const rest = others.reduce((sum, one) => sum + one.sum, 0);
  const count =
    others.length > 0
      ? `The ${shown.length} of ${channels.length} channels that hold most, for and against together; the others add up to ${signedText(rest)}. `
      : '';
  return html`<details class="channels"><summary>Channel by channel</summary>
<p class="quiet">${count}Below each map stands what it adds up to. One scale for these maps: the end colour is ${signedText(limit)} per 1 % of the view.</p>
<div class="channel-maps">${maps}</div></details>`;
}

function channelsOf(explained: Explained): ChannelMap[] {
  const { document } = explained;
  const [[layer, stored], ...more] = Object.entries(document.attribution);
  if (more.length > 0 || stored.shape.length !== 4 || stored.shape[0] !== 1) return [];
  const { layout } = document.input;
  const isInput = document.explained.includes(layer);
  const axis = isInput ? layout.channelAxis : 1;
  if (axis !== 1 && axis !== 3) return [];
  const values = toFloat32(storedTensor(explained, stored.key));
  const { shape } = values;
  const [height, width] = axis === 1 ? shape.slice(2) : shape.slice(1, 3);
  // A layer without positions has a number for each channel, and nothing to draw.
  if (height * width < 2) return [];
  const stride = sizeOf(shape.slice(axis + 1));
  const names = isInput ? colourNames(document, layer) : undefined;
  return Array.from({ length: shape[axis] }, (_, channel) => {
    const map = new Float32Array(height * width);
    for (let place = 0; place < map.length; place++)
      map[place] = values.data[axis === 1 ? channel * stride + place : place * shape[axis] + channel];
    return {
      name: names?.[channel] ?? `channel ${channel}`,
      sum: map.reduce((sum, value) => sum + value, 0),
      size: map.reduce((sum, value) => sum + Math.abs(value), 0),
      map: float32([height, width], map),
    };
  });
}

function colourNames({ preprocessing }: ExplanationDocument, name: string): readonly string[] | undefined {
  const input = describedInput(preprocessing, name);
  if (input?.kind !== 'image' || input.colour === 'grey') return undefined;
  return input.colour === 'BGR' ? ['blue', 'green', 'red'] : ['red', 'green', 'blue'];
}

/** The same view with fewer pixels. */
async function smallFrame({ frame }: MapFigure): Promise<MapFigure['frame']> {
  const { source, scale } = frame.transform;
  const factor = Math.min(1, side / maxOf(source));
  const size = source.map((length) => Math.max(1, Math.round(length * factor))) as [number, number];
  return {
    ...frame,
    image: resizeImage(frame.image, size, 'bilinear'),
    transform: {
      ...frame.transform,
      source: size,
      scale: [(scale[0] * source[0]) / size[0], (scale[1] * source[1]) / size[1]],
    },
  };
}
