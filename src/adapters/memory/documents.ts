/** The document store in memory. */
import type { Documents, StoredDocument } from "../../runtime/workers/document-store.ts";

/** Documents in memory, for tests and the simulator. All nodes that receive the same object share them. */
export function memoryDocuments(): Documents {
  const stored = new Map<string, StoredDocument>();
  return {
    put: async (name, document) => void stored.set(name, copyOf(document)),
    get: async (name) => {
      const found = stored.get(name);
      return found && copyOf(found);
    },
  };
}

/** A `Buffer`'s own `slice` shares its bytes. */
function copyOf({ bytes, metadata }: StoredDocument): StoredDocument {
  return { bytes: Uint8Array.from(bytes), metadata: { ...metadata } };
}
