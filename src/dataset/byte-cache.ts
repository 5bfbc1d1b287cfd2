/** Bytes that readers of files may keep, and how many they keep. */
export interface ByteBudget {
  readonly limit: number;
  /** Bytes held now. */
  readonly held: number;
  /** The most that were held at once. */
  readonly peak: number;
}

/**
 * What was read last, within a budget of bytes: the least recently used goes first. A value larger than the budget is
 * handed out and not kept.
 */
export class ByteCache<Key, Value> implements ByteBudget {
  readonly limit: number;
  #held = 0;
  #peak = 0;
  readonly #entries = new Map<Key, { readonly value: Promise<Value>; bytes: number }>();

  /** @param limit in bytes */
  constructor(limit: number) {
    this.limit = limit;
  }

  get held(): number {
    return this.#held;
  }

  get peak(): number {
    return this.#peak;
  }

  /**
   * The value of a key, made where it is not kept; asked for twice at once, it is made once.
   * @param bytes what it will take, known before it is made, so that room is there first
   */
  async get(key: Key, bytes: number, make: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key);
    if (known) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.value;
    }
    if (bytes > this.limit) return make();
    this.#makeRoom(bytes);
    const entry = { value: make(), bytes };
    this.#entries.set(key, entry);
    this.#held += bytes;
    this.#peak = Math.max(this.#peak, this.#held);
    try {
      return await entry.value;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#drop(key);
      throw error;
    }
  }

  #makeRoom(bytes: number): void {
    for (const key of this.#entries.keys()) {
      if (this.#held + bytes <= this.limit) return;
      this.#drop(key);
    }
  }

  #drop(key: Key): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#held -= entry.bytes;
    this.#entries.delete(key);
  }
}
