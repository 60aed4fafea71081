import { Objm, type ObjectStore, StorageType } from "@nats-io/obj";
import type { Documents } from "../runtime/documents.ts";
import { Unavailable } from "../runtime/ports.ts";
import type { NatsLink } from "./link.nats.ts";
import { untilAvailable } from "./until-available.ts";

const OPEN_DEADLINE_MS = 30_000;
/** Time limit of one step of a write, ms. */
const WRITE_TIMEOUT_MS = 3_000;

/**
 * Documents in an object store of NATS (`nats object ls <bucket>` shows them). Made when it is not there.
 * @throws Unavailable (retryable)
 */
export async function natsDocuments(
  link: NatsLink,
  bucket: string,
  options: { readonly replicas: number },
): Promise<Documents> {
  const store = await untilAvailable(OPEN_DEADLINE_MS, () =>
    available(`object store ${bucket}`, () =>
      new Objm(link.nc).create(bucket, { storage: StorageType.File, replicas: options.replicas }),
    ),
  );
  return {
    put: async (name, { bytes, metadata }) => {
      await available(`put ${name}`, () => put(store, name, bytes, metadata));
    },
    get: (name) => available(`get ${name}`, () => get(store, name)),
  };
}

async function put(
  store: ObjectStore,
  name: string,
  bytes: Uint8Array,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await store.put({ name, metadata: { ...metadata } }, streamOf(bytes), { timeout: WRITE_TIMEOUT_MS });
}

async function get(store: ObjectStore, name: string) {
  const found = await store.get(name);
  if (found === null) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.data) chunks.push(chunk);
  // Tells of a wrong digest; only known when all has been read.
  const damage = await found.error;
  if (damage instanceof Error) throw damage;
  return { bytes: Buffer.concat(chunks), metadata: found.info.metadata ?? {} };
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

async function available<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Unavailable(`${what}: ${reason}`, { cause });
  }
}
