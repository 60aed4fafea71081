/**
 * A KV bucket, thin on its stream: readable with the ordinary KV clients, told apart by the server's error codes.
 * A bucket in memory is made again when the only server was restarted and has lost it.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { StreamDefinition } from "../../config/streams.ts";
import { ServerCode, Unavailable } from "../runtime/ports.ts";
import type {
  AppendResult,
  Bucket,
  BucketEntry,
  CasResult,
  Message,
  StoredMessage,
  Subscription,
} from "../runtime/ports.ts";
import { appendMessages } from "./append.nats.ts";
import type { NatsLink } from "./connection.nats.ts";
import { ApiCode, ApiError } from "./jetstream-api.nats.ts";
import { lastPerSubject } from "./journal.nats.ts";
import { follow } from "./ordered-consumer.nats.ts";
import { getMessage } from "./stored-message.nats.ts";
import { ensureStream } from "./streams.nats.ts";

const WRITE_TIMEOUT_MS = 2_000;
/** Tries of one write while the server has another one on the same key in flight. */
const IN_FLIGHT_TRIES = 10;
const IN_FLIGHT_PAUSE_MS = 20;

const OPERATION = "KV-Operation";

/** The bucket `definition.name` (`KV_<bucket>`); the lock bucket is a part of the journal's stream. */
export function natsBucket(link: NatsLink, definition: StreamDefinition): Bucket {
  return new NatsBucket(link, definition);
}

class NatsBucket implements Bucket {
  readonly #link: NatsLink;
  readonly #definition: StreamDefinition;
  readonly #prefix: string;

  constructor(link: NatsLink, definition: StreamDefinition) {
    this.#link = link;
    this.#definition = definition;
    this.#prefix = `$KV.${definition.name.slice("KV_".length)}.`;
  }

  async get(key: string): Promise<BucketEntry | undefined> {
    const message = await this.#last(key);
    return message === undefined || isDeleted(message) ? undefined : this.#entry(message);
  }

  async put(key: string, value: string): Promise<number> {
    const result = await this.#append({ subject: this.#subject(key), payload: value });
    if (result.status === "stored") return result.lastSequence;
    throw new Unavailable(`put ${key}: ${result.reason}`);
  }

  async update(key: string, value: string, revision: number): Promise<CasResult> {
    const first = await this.#compareAndSet(key, value, revision);
    if (revision !== 0 || first.status !== "conflict") return first;
    // Absent for a reader, but the mark of a deletion is still there: create behind it.
    try {
      const last = await this.#last(key);
      if (last === undefined) return await this.#compareAndSet(key, value, 0);
      return isDeleted(last) ? await this.#compareAndSet(key, value, last.sequence) : first;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return { status: "unanswered", reason: error.message };
    }
  }

  async delete(key: string): Promise<void> {
    const mark: Message = { subject: this.#subject(key), payload: "", headers: { [OPERATION]: "DEL" } };
    const result = await this.#append(mark);
    if (result.status !== "stored") throw new Unavailable(`delete ${key}: ${result.reason}`);
  }

  async keys(): Promise<string[]> {
    const messages = await this.#read(() =>
      lastPerSubject(this.#link, this.#definition.name, `${this.#prefix}>`),
    );
    return (messages ?? []).filter((message) => !isDeleted(message)).map((message) => this.#key(message));
  }

  async watch(
    onChange: (change: { key: string; value: string | undefined; revision: number }) => void,
  ): Promise<Subscription> {
    const complete = Promise.withResolvers<void>();
    /** What was told last, per key: after an interruption the present entries come again. */
    const told = new Map<string, string>();
    const subscription = await this.#whenThere(() =>
      follow(
        this.#link,
        {
          stream: this.#definition.name,
          filters: [`${this.#prefix}>`],
          from: "last",
          onCaughtUp: complete.resolve,
          onStreamGone: () => this.#restore(),
        },
        (message) => {
          const key = this.#key(message);
          const value = isDeleted(message) ? undefined : message.payload;
          const version = `${message.sequence} ${value ?? ""}`;
          if (told.get(key) === version) return;
          // The mark of a deletion that happened before the watch began is no change.
          if (value === undefined && !told.has(key)) return;
          told.set(key, version);
          onChange({ key, value, revision: message.sequence });
        },
      ),
    );
    await complete.promise;
    return subscription;
  }

  async #compareAndSet(key: string, value: string, revision: number): Promise<CasResult> {
    const subject = this.#subject(key);
    const message: Message = { subject, payload: value, fence: { subject, sequence: revision } };
    for (let attempt = 1; ; attempt++) {
      const result = await this.#append(message);
      if (result.status === "stored") return { status: "stored", revision: result.lastSequence };
      if (result.status === "unanswered") return result;
      if (result.code === ServerCode.wrongLastSequence) return { status: "conflict" };
      if (result.code !== ServerCode.subjectInFlight || attempt === IN_FLIGHT_TRIES) {
        return { status: "unanswered", reason: `${result.reason} (${result.code})` };
      }
      await pause(IN_FLIGHT_PAUSE_MS);
    }
  }

  async #append(message: Message): Promise<AppendResult> {
    const result = await appendMessages(this.#link, [message], WRITE_TIMEOUT_MS);
    const nobody = result.status === "unanswered" && result.reason === "no responders";
    if (!nobody || !this.#isLosable()) return result;
    try {
      await this.#restore();
    } catch (error) {
      return { status: "unanswered", reason: error instanceof Error ? error.message : String(error) };
    }
    return appendMessages(this.#link, [message], WRITE_TIMEOUT_MS);
  }

  #last(key: string): Promise<StoredMessage | undefined> {
    return this.#read(() =>
      getMessage(this.#link, this.#definition.name, { last_by_subj: this.#subject(key) }),
    );
  }

  /** A lost bucket in memory reads as empty. @throws Unavailable */
  async #read<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === ApiCode.streamNotFound && this.#isLosable()) return undefined;
      throw new Unavailable(error.message, { cause: error });
    }
  }

  async #whenThere<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code !== ApiCode.streamNotFound || !this.#isLosable()) {
        throw new Unavailable(error.message, { cause: error });
      }
      await this.#restore();
      return work();
    }
  }

  #isLosable(): boolean {
    return this.#definition.storage === "memory";
  }

  async #restore(): Promise<void> {
    if (this.#isLosable()) await ensureStream(this.#link, this.#definition);
  }

  #subject(key: string): string {
    return this.#prefix + key;
  }

  #key(message: StoredMessage): string {
    return message.subject.slice(this.#prefix.length);
  }

  #entry(message: StoredMessage): BucketEntry {
    return { key: this.#key(message), value: message.payload, revision: message.sequence };
  }
}

const isDeleted = (message: StoredMessage): boolean => {
  const operation = message.headers[OPERATION];
  return operation === "DEL" || operation === "PURGE";
};
