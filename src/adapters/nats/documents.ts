/**
 * Documents in an object store of NATS; `nats object ls <store>` shows them (ADR-20 of NATS has the layout). Small ones
 * are read straight from the stream (document-direct.ts), all others with the client's object store. Writes do not use
 * the client: its `put` reads first, then writes each chunk and the description one after the other. Here all of it is
 * one write, shared with other documents (group-append.ts).
 */
import { Objm, type ObjectStore } from "@nats-io/obj";
import { nuid } from "@nats-io/transport-node";
import { Unavailable } from "../../runtime/ports.ts";
import type { Documents, StoredDocument } from "../../runtime/workers/document-store.ts";
import type { WireMessage } from "../jetstream/message-encoding.ts";
import { untilAvailable } from "../jetstream/retry-until-available.ts";
import { chunkSubject, descriptionSubject, digestOf, readDirectly } from "./document-direct.ts";
import { groupedAppend } from "./group-append.ts";
import type { NatsLink } from "./link.ts";

const OPEN_DEADLINE_MS = 30_000;
/** Time limit of one attempt at a write, ms. */
const WRITE_TIMEOUT_MS = 3_000;
/** Bytes of a chunk; the clients' default. */
const CHUNK_BYTES = 128 * 1024;

/**
 * Opens the object store. Its stream must exist (`documentsStream`). A document that is put again leaves the chunks of
 * the former one in the stream.
 * @param now ms since the epoch, by the server's clock
 * @param gatherMs how long a document waits for others that are stored with it, ms
 * @throws Unavailable (retryable)
 */
export async function natsDocuments(
  link: NatsLink,
  store: string,
  now: () => number,
  gatherMs = 0,
): Promise<Documents> {
  const opened = await untilAvailable(OPEN_DEADLINE_MS, () =>
    available(`object store ${store}`, () => new Objm(link.nc).open(store)),
  );
  const append = groupedAppend(link, WRITE_TIMEOUT_MS, gatherMs);
  return {
    put: async (name, document) => {
      const result = await append(messagesOf(store, name, document, now()));
      if (result.status !== "stored") throw new Unavailable(`put ${name}: ${result.reason}`);
    },
    get: (name) =>
      available(`get ${name}`, async () => (await readDirectly(link, store, name)) ?? get(opened, name)),
  };
}

/** The chunks, then the description that makes them a document. */
function messagesOf(
  store: string,
  name: string,
  { bytes, metadata }: StoredDocument,
  now: number,
): WireMessage[] {
  const id = nuid.next();
  const subject = chunkSubject(store, id);
  const chunks: WireMessage[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    chunks.push({ subject, payload: bytes.subarray(at, at + CHUNK_BYTES) });
  }
  const description = {
    name,
    description: "",
    options: { max_chunk_size: CHUNK_BYTES },
    metadata,
    bucket: store,
    nuid: id,
    size: bytes.length,
    chunks: chunks.length,
    mtime: new Date(now).toISOString(),
    digest: digestOf(bytes),
    deleted: false,
  };
  return [...chunks, { subject: descriptionSubject(store, name), payload: JSON.stringify(description) }];
}

async function get(store: ObjectStore, name: string) {
  const found = await store.get(name);
  if (found === null) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.data) chunks.push(chunk);
  // Reports a wrong digest, which is known only when all chunks have been read.
  const damage = await found.error;
  if (damage instanceof Error) throw damage;
  return { bytes: Buffer.concat(chunks), metadata: found.info.metadata ?? {} };
}

async function available<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Unavailable(`${what}: ${reason}`, { cause });
  }
}
