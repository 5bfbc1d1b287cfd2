/** The large pictures of a page, each inlined once however many cards show it. */
export interface PagePictures {
  /** The class of an element that shows a picture as its background. */
  classOf(dataUri: string): string;
  /** The style rules of all classes given out. */
  css(): string;
}

export function pagePictures(): PagePictures {
  const classes = new Map<string, string>();
  return {
    classOf(dataUri) {
      const known = classes.get(dataUri) ?? `picture-${classes.size}`;
      classes.set(dataUri, known);
      return known;
    },
    css: () => [...classes].map(([uri, name]) => `.${name}{background-image:url(${uri})}`).join('\n'),
  };
}
