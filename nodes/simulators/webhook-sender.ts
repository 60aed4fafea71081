/**
 * Reports events of an outside system to the shop: signed messages, sent again after growing pauses until a node has
 * accepted them.
 * Owns: messages that wait, and their file.  Does not own: their content.
 * Invariants
 *   webhooks.W1. A message is in the file before it is sent, and leaves it only when it was accepted or abandoned.
 *   webhooks.W2. Its id stays the same however often it is sent.
 * A crash repeats the messages that waited. Proved by: test/integration/nodes/webhook-sender.test.ts
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../../src/runtime/ports.ts";
import { signWebhook } from "../../src/services/webhooks/signature.ts";

/** Where messages go, and how long they are repeated. */
export type WebhookSenderOptions = {
  /** Called one after the other; the first that answers 2xx has accepted the message. None: nothing is sent. */
  readonly urls: readonly string[];
  /** Each message is signed with all of them. */
  readonly secrets: readonly string[];
  /** File of the waiting messages; its folder exists. */
  readonly path: string;
  readonly log: Pick<Log, "info" | "warn">;
  /** Pause after the first failure, ms. Doubles up to two minutes. */
  readonly firstMs?: number;
  /** Attempts before a message is abandoned. Default: 16, about a quarter of an hour. */
  readonly maxAttempts?: number;
};

/** `body` is JSON. */
type Message = { readonly id: string; readonly body: string };

const FIRST_MS = 500;
const MAX_PAUSE_MS = 120_000;
const MAX_ATTEMPTS = 16;
const ANSWER_MS = 5000;

/** The sender of one process and file. */
export class WebhookSender {
  private readonly options: WebhookSenderOptions;
  private readonly stopping = new AbortController();
  private readonly queue = new Map<string, Message>();

  /** Sends the messages that an earlier run has left. */
  constructor(options: WebhookSenderOptions) {
    this.options = options;
    for (const message of readWaiting(options.path)) this.queue.set(message.id, message);
    writeFileSync(options.path, [...this.queue.values()].map(line).join(""));
    for (const message of this.queue.values()) void this.deliver(message);
  }

  /** Stores the message before it returns, and sends it later. */
  send(id: string, body: object): void {
    if (this.options.urls.length === 0) return;
    const message = { id, body: JSON.stringify(body) };
    appendFileSync(this.options.path, line(message));
    this.queue.set(id, message);
    void this.deliver(message);
  }

  /** Number of messages that no node has accepted yet. */
  get waiting(): number {
    return this.queue.size;
  }

  /** Stops sending. The messages stay in the file. */
  stop(): void {
    this.stopping.abort();
  }

  private async deliver(message: Message): Promise<void> {
    const { urls, log, firstMs = FIRST_MS, maxAttempts = MAX_ATTEMPTS } = this.options;
    const { signal } = this.stopping;
    for (let attempt = 0; attempt < maxAttempts && !signal.aborted; attempt++) {
      for (const url of urls) {
        if (await this.taken(url, message)) {
          this.done(message);
          return;
        }
      }
      log.info({ webhook: message.id, attempt: attempt + 1 }, "webhook not taken, will be sent again");
      await pause(Math.min(firstMs * 2 ** attempt, MAX_PAUSE_MS), undefined, { signal }).catch(() => {});
    }
    if (signal.aborted) return;
    log.warn({ webhook: message.id }, "webhook abandoned: the shop must poll");
    this.done(message);
  }

  private async taken(url: string, { id, body }: Message): Promise<boolean> {
    const { secrets } = this.options;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...signWebhook(secrets, id, new Date(), body) },
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

/** A last line without its end belongs to a call of `send` that did not return. */
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
