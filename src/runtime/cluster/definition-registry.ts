/**
 * Which definition a version stands for in the cluster: the bucket of definitions, one entry for each version of each
 * part, made once and never changed. Two programs with one version and different definitions do not meet: the later
 * one does not start.
 * Owns nothing.  A crash leaves some of the entries: the next start makes the others.
 * Proved by: test/unit/runtime/cluster/definition-registry.test.ts
 */
import { comparePart, type VersionedPart } from "../actor/fingerprint.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { isObject, parseObject } from "../json.ts";
import { type Bucket, type Log, Unavailable } from "../ports.ts";

/** An entry of the bucket. Stored: its field names are a format. */
export type StoredDefinition = {
  readonly fingerprint: VersionedPart["fingerprint"];
  /** Id of the node that made the entry. */
  readonly node: string;
};

/** What the registry needs of its node. */
export type DefinitionRegistryOptions = {
  readonly definitions: Bucket;
  readonly node: string;
  readonly log: Log;
  readonly failpoints?: Failpoints | undefined;
};

const TRIES = 10;

/**
 * Makes the entries that are missing and compares the others.
 * @throws DefinitionChanged (not retryable); Unavailable (retryable)
 */
export async function registerDefinition(
  parts: readonly VersionedPart[],
  options: DefinitionRegistryOptions,
): Promise<void> {
  for (const part of parts) await register(part, options);
}

async function register(part: VersionedPart, options: DefinitionRegistryOptions): Promise<void> {
  const { definitions, failpoints, log, node } = options;
  const value: StoredDefinition = { fingerprint: part.fingerprint, node };
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const found = await failpoint(failpoints, "definitions.read", () => definitions.get(part.key));
    if (found) {
      const stored = read(found.value);
      if (stored) comparePart(part, stored.fingerprint, stored.node);
      else log.warn({ key: part.key }, "the stored fingerprint cannot be read, and is not compared");
      return;
    }
    // Unanswered or made by another node meanwhile: the next reading finds it.
    const made = await failpoint(failpoints, "definitions.create", () =>
      definitions.update(part.key, JSON.stringify(value), 0),
    );
    if (made.status === "stored") return;
  }
  throw new Unavailable(`the fingerprint of ${part.what} could not be stored in ${TRIES} tries`);
}

function read(value: string): StoredDefinition | undefined {
  const stored = parseObject(value);
  const fingerprint = stored?.["fingerprint"];
  if (!isObject(fingerprint) || typeof stored?.["node"] !== "string") return undefined;
  const { listens, machines, states } = fingerprint;
  const isMachine = isObject(states) && Object.values(states).every(isObject);
  const isDefinition =
    Array.isArray(machines) && isObject(listens) && Object.values(listens).every(Array.isArray);
  return isMachine || isDefinition ? (stored as unknown as StoredDefinition) : undefined;
}
