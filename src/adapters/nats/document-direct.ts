/**
 * Documents of one chunk, read straight from the stream: two direct gets, which any replica answers, instead of the
 * client's status query, consumer and clean-up. What a replica does not have yet, and every document of another form,
 * is left to the client.
 */
import { createHash } from "node:crypto";
import type { Msg } from "@nats-io/transport-node";
import type { StoredDocument } from "../../runtime/workers/document-store.ts";
import type { NatsLink } from "./link.ts";
import { request } from "./request.ts";

const READ_TIMEOUT_MS = 2_000;

/** The description of a document, as far as this file uses it. */
type Description = {
  readonly nuid?: string;
  readonly size?: number;
  readonly chunks?: number;
  readonly digest?: string;
  readonly deleted?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
};

/** The subject of a document's description. */
export const descriptionSubject = (store: string, name: string): string =>
  `$O.${store}.M.${padded(Buffer.from(name).toString("base64url"))}`;

/** The subject of a document's chunks. @param id the document's `nuid` */
export const chunkSubject = (store: string, id: string): string => `$O.${store}.C.${id}`;

/** The digest of a document, in the form of its description. */
export const digestOf = (bytes: Uint8Array): string =>
  `SHA-256=${padded(createHash("sha256").update(bytes).digest("base64url"))}`;

const padded = (base64url: string): string => base64url.padEnd(4 * Math.ceil(base64url.length / 4), "=");

/**
 * Reads a document of one chunk and verifies its digest.
 * @returns `undefined` when the client has to read it
 * @throws Error when there is no answer
 */
export async function readDirectly(
  link: NatsLink,
  store: string,
  name: string,
): Promise<StoredDocument | undefined> {
  const description = await directGet(link, store, descriptionSubject(store, name));
  if (description === undefined) return undefined;
  const { nuid, chunks, size, digest, deleted, metadata = {} } = description.json<Description>();
  if (nuid === undefined || chunks !== 1 || deleted === true) return undefined;
  const chunk = await directGet(link, store, chunkSubject(store, nuid));
  const bytes = chunk?.data;
  if (bytes?.length !== size || bytes === undefined || digestOf(bytes) !== digest) return undefined;
  return { bytes, metadata };
}

/** The last message of a subject; `undefined` when the answering replica has none. */
async function directGet(link: NatsLink, store: string, subject: string): Promise<Msg | undefined> {
  const message = await request(link, `$JS.API.DIRECT.GET.OBJ_${store}.${subject}`, "", READ_TIMEOUT_MS);
  return message.headers?.code === 404 ? undefined : message;
}
