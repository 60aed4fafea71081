import type { Documents, StoredDocument } from "../runtime/documents.ts";

/** Documents in memory, for tests and the simulator; shared by all nodes that are given the same one. */
export function memoryDocuments(): Documents {
  const stored = new Map<string, StoredDocument>();
  return {
    put: async (name, { bytes, metadata }) => {
      stored.set(name, { bytes: bytes.slice(), metadata: { ...metadata } });
    },
    get: async (name) => stored.get(name),
  };
}
