/** The port for documents: bytes with a name that are too large for an entry of a bucket. */

/** A document with short texts about it. */
export type StoredDocument = {
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
};

/** Documents by name; any ASCII text is a name. Where a store has several copies, a reader may lag briefly. */
export interface Documents {
  /** Stores or replaces a document as a whole: a reader gets the old or the new one. @throws Unavailable (retryable) */
  put(name: string, document: StoredDocument): Promise<void>;
  /** Reads a document; `undefined` when there is none. @throws Unavailable (retryable), also when bytes are damaged */
  get(name: string): Promise<StoredDocument | undefined>;
}
