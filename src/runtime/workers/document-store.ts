/** The port for documents: bytes under a name, too large for a bucket's entry. */

/** A document and what is noted about it, short texts. */
export type StoredDocument = {
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
};

/** Documents by name; any ASCII text is a name. Where a store has several copies, a reader may be a moment behind. */
export interface Documents {
  /** Stores or replaces whole; a reader gets the old or the new one. @throws Unavailable (retryable) */
  put(name: string, document: StoredDocument): Promise<void>;
  /** `undefined` when there is none. @throws Unavailable (retryable), also when the bytes are damaged */
  get(name: string): Promise<StoredDocument | undefined>;
}
