/** The large images of a page, each inlined once however many cards show it. */
export interface PageImages {
  /** The class of an element that shows an image as its background. */
  classOf(dataUri: string): string;
  /** The style rules of all classes given out. */
  css(): string;
}

export function pageImages(): PageImages {
  const classes = new Map<string, string>();
  return {
    classOf(dataUri) {
      const known = classes.get(dataUri) ?? `image-${classes.size}`;
      classes.set(dataUri, known);
      return known;
    },
    css: () => [...classes].map(([uri, name]) => `.${name}{background-image:url(${uri})}`).join('\n'),
  };
}
