/** A rectangle in parts of the width and the height of an image. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A part of the traced image that lies in an image of the data, enlarged, shifted or turned from right to left. */
export interface MatchedRegion {
  /** Σ `log(images / images with such a point)` over points that agree, in nats. */
  readonly weight: number;
  /** Points that agree. */
  readonly points: number;
  readonly mirrored: boolean;
  /** How much larger it is in the traced image, in parts of the longer sides. */
  readonly factor: number;
  /** In the traced image, and in the other one. */
  readonly own: Box;
  readonly other: Box;
}
