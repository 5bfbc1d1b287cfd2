// The generator itself stands in the lowest layer, because training shuffles and initialises with it, too.
export * from '../tensor/random.ts';
