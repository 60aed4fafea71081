/**
 * Tells the shop what happened at an outside system: signed messages, sent again after growing pauses until somebody takes them.
 * Owns: messages that wait, and their file.  Does not own: what they say.
 * Invariants
 *   W1. A message is in the file before it is sent, and leaves it only when it was taken or given up.
 *   W2. Its id stays the same however often it is sent.
 * A crash sends what waited once more. Proved by: test/integration/nodes/webhook-sender.test.ts
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../../src/runtime/ports.ts";
import { signWebhook } from "../../src/services/webhooks/signature.ts";

export type WebhookSenderOptions = {
  /** Asked one after the other; the first that answers 2xx has it. None: nothing is sent. */
  readonly urls: readonly string[];
  readonly secret: string;
  /** Keeps what waits; its folder exists. */
  readonly path: string;
  readonly log: Pick<Log, "info" | "warn">;
  /** Pause after the first failure, ms. Doubles up to `longestMs`. */
  readonly firstMs?: number;
  /** Then a message is given up; 16 unless told otherwise, about a quarter of an hour. */
  readonly mostTries?: number;
};

/** `body` is JSON. */
type Message = { readonly id: string; readonly body: string };

const FIRST_MS = 500;
const LONGEST_MS = 120_000;
const MOST_TRIES = 16;
const ANSWER_MS = 5000;

export class WebhookSender {
  private readonly options: WebhookSenderOptions;
  private readonly stopping = new AbortController();
  private readonly queue = new Map<string, Message>();

  /** Sends what an earlier run has left. */
  constructor(options: WebhookSenderOptions) {
    this.options = options;
    for (const message of readWaiting(options.path)) this.queue.set(message.id, message);
    writeFileSync(options.path, [...this.queue.values()].map(line).join(""));
    for (const message of this.queue.values()) void this.deliver(message);
  }

  /** Written down when it returns; sent afterwards. */
  send(id: string, body: object): void {
    if (this.options.urls.length === 0) return;
    const message = { id, body: JSON.stringify(body) };
    appendFileSync(this.options.path, line(message));
    this.queue.set(id, message);
    void this.deliver(message);
  }

  /** Messages that nobody has taken yet. */
  get waiting(): number {
    return this.queue.size;
  }

  stop(): void {
    this.stopping.abort();
  }

  private async deliver(message: Message): Promise<void> {
    const { urls, log, firstMs = FIRST_MS, mostTries = MOST_TRIES } = this.options;
    const { signal } = this.stopping;
    for (let attempt = 0; attempt < mostTries && !signal.aborted; attempt++) {
      for (const url of urls) {
        if (await this.taken(url, message)) {
          this.done(message);
          return;
        }
      }
      log.info({ webhook: message.id, attempt: attempt + 1 }, "webhook not taken, will be sent again");
      await pause(Math.min(firstMs * 2 ** attempt, LONGEST_MS), undefined, { signal }).catch(() => {});
    }
    if (signal.aborted) return;
    log.warn({ webhook: message.id }, "webhook given up: the shop has to ask");
    this.done(message);
  }

  private async taken(url: string, { id, body }: Message): Promise<boolean> {
    const { secret } = this.options;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...signWebhook(secret, id, new Date(), body) },
        body,
        signal: AbortSignal.any([this.stopping.signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  private done({ id }: Message): void {
    this.queue.delete(id);
    appendFileSync(this.options.path, `${JSON.stringify({ id, done: true })}\n`);
  }
}

const line = (message: Message): string => `${JSON.stringify(message)}\n`;

/** A last line without its end is one that nobody was told of. */
function readWaiting(path: string): Message[] {
  const waiting = new Map<string, Message>();
  if (!existsSync(path)) return [];
  for (const text of readFileSync(path, "utf8").split("\n").slice(0, -1)) {
    const entry = JSON.parse(text) as Message & { readonly done?: true };
    if (entry.done) waiting.delete(entry.id);
    else waiting.set(entry.id, entry);
  }
  return [...waiting.values()];
}
