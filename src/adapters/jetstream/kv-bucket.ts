/** A KV bucket on the log that holds it, the same for every kind of log. Readable with the ordinary KV clients. */
import {
  type AppendResult,
  type Bucket,
  type BucketEntry,
  type CasResult,
  type Message,
  ServerCode,
  type StoredMessage,
  type Subscription,
  Unavailable,
} from "../../runtime/ports.ts";

/** What a bucket needs of its log. Reads throw `Unavailable`. */
export interface KvLog {
  append(message: Message): Promise<AppendResult>;
  last(subject: string): Promise<StoredMessage | undefined>;
  lastPerSubject(filter: string): Promise<StoredMessage[]>;
  /**
   * Delivers the last message of every subject, calls `onCaughtUp`, then delivers later messages. After an interruption
   * the last ones may come again.
   */
  consumeLast(
    filter: string,
    onMessage: (message: StoredMessage) => void,
    onCaughtUp: () => void,
  ): Promise<Subscription>;
  pause(ms: number): Promise<void>;
}

/** Attempts of one write while the server has another one on the same key in flight. */
const IN_FLIGHT_TRIES = 10;
const IN_FLIGHT_PAUSE_MS = 20;

const OPERATION = "KV-Operation";

/**
 * A KV bucket on its log. Writes are compare-and-set by revision, as `Bucket` says.
 * @param bucket its name, without `KV_`
 */
export function kvBucket(bucket: string, log: KvLog): Bucket {
  return new KvBucket(`$KV.${bucket}.`, log);
}

class KvBucket implements Bucket {
  private readonly prefix: string;
  private readonly log: KvLog;

  constructor(prefix: string, log: KvLog) {
    this.prefix = prefix;
    this.log = log;
  }

  async get(key: string): Promise<BucketEntry | undefined> {
    const message = await this.log.last(this.prefix + key);
    if (message === undefined || isDeleted(message)) return undefined;
    return { key, value: message.payload, revision: message.sequence, at: message.at };
  }

  async put(key: string, value: string): Promise<number> {
    const result = await this.log.append({ subject: this.prefix + key, payload: value });
    if (result.status === "stored") return result.lastSequence;
    throw new Unavailable(`put ${key}: ${result.reason}`);
  }

  async update(key: string, value: string, revision: number): Promise<CasResult> {
    const first = await this.compareAndSet(key, value, revision);
    if (revision !== 0 || first.status !== "conflict") return first;
    // A reader sees no value, but the marker of a deletion is still there: create after it.
    try {
      const last = await this.log.last(this.prefix + key);
      if (last === undefined) return await this.compareAndSet(key, value, 0);
      return isDeleted(last) ? await this.compareAndSet(key, value, last.sequence) : first;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return { status: "unanswered", reason: error.message };
    }
  }

  async delete(key: string, revision?: number): Promise<void> {
    const subject = this.prefix + key;
    const marker = { subject, payload: "", headers: { [OPERATION]: "DEL" } };
    const result = await this.log.append(
      revision === undefined ? marker : { ...marker, fence: { subject, sequence: revision } },
    );
    if (result.status === "rejected" && result.code === ServerCode.wrongLastSequence) return;
    if (result.status !== "stored") throw new Unavailable(`delete ${key}: ${result.reason}`);
  }

  async keys(): Promise<string[]> {
    const messages = await this.log.lastPerSubject(`${this.prefix}>`);
    return messages.filter((message) => !isDeleted(message)).map((message) => this.key(message));
  }

  async watch(
    onChange: (change: { key: string; value: string | undefined; revision: number }) => void,
  ): Promise<Subscription> {
    const complete = Promise.withResolvers<void>();
    /** The version last reported, per key: after an interruption the present entries come again. */
    const reported = new Map<string, string>();
    const subscription = await this.log.consumeLast(
      `${this.prefix}>`,
      (message) => {
        const key = this.key(message);
        const value = isDeleted(message) ? undefined : message.payload;
        const version = `${message.sequence} ${value ?? ""}`;
        if (reported.get(key) === version) return;
        // The marker of a deletion that happened before the watch began is no change.
        if (value === undefined && !reported.has(key)) return;
        reported.set(key, version);
        onChange({ key, value, revision: message.sequence });
      },
      complete.resolve,
    );
    await complete.promise;
    return subscription;
  }

  private async compareAndSet(key: string, value: string, revision: number): Promise<CasResult> {
    const subject = this.prefix + key;
    const message: Message = { subject, payload: value, fence: { subject, sequence: revision } };
    for (let attempt = 1; ; attempt++) {
      const result = await this.log.append(message);
      if (result.status === "stored") return { status: "stored", revision: result.lastSequence };
      if (result.status === "unanswered") return result;
      if (result.code === ServerCode.wrongLastSequence) return { status: "conflict" };
      if (result.code !== ServerCode.subjectInFlight || attempt === IN_FLIGHT_TRIES) {
        return { status: "unanswered", reason: `${result.reason} (${result.code})` };
      }
      await this.log.pause(IN_FLIGHT_PAUSE_MS);
    }
  }

  private key(message: StoredMessage): string {
    return message.subject.slice(this.prefix.length);
  }
}

/** Whether a message of a bucket is the marker of a deletion. */
export const isDeleted = (message: StoredMessage): boolean => {
  const operation = message.headers[OPERATION];
  return operation === "DEL" || operation === "PURGE";
};
