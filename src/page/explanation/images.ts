import type { Tensor } from '../../tensor/tensor.ts';
import { dataUri, type EncodePhotograph } from '../heat-map.ts';

/** The large images of a page, each inlined once however many cards show it. */
export interface PageImages {
  /** A photograph as a data URI. */
  photograph(pixels: Tensor<'uint8'>): Promise<string>;
  /** The class of an element that shows an image as its background. */
  classOf(dataUri: string): string;
  /** The style rules of all classes given out. */
  css(): string;
}

/** @param encode how photographs are packed; default PNG */
export function pageImages(encode?: EncodePhotograph): PageImages {
  const classes = new Map<string, string>();
  return {
    photograph: (pixels) => dataUri(pixels, 'photograph', encode),
    classOf(dataUri) {
      const known = classes.get(dataUri) ?? `image-${classes.size}`;
      classes.set(dataUri, known);
      return known;
    },
    css: () => [...classes].map(([uri, name]) => `.${name}{background-image:url(${uri})}`).join('\n'),
  };
}
