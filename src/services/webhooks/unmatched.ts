/**
 * Signed messages that no order takes: about an order that does not exist, or of a type that is not known. They are
 * kept for operators, each once, in a register of their sender, so that no sender can push out what another one sent.
 * Owns nothing.
 * Proved by: test/unit/services/unmatched.test.ts, test/integration/http/unmatched.test.ts
 */
import { hideCardNumbers } from "../../../config/card-numbers.ts";
import { hideAddresses, hideCredentials } from "../../../config/redaction.ts";
import { type Failpoints, failpoint } from "../../runtime/failpoints.ts";
import { parseObject } from "../../runtime/json.ts";
import { type Register, Unavailable } from "../../runtime/ports.ts";
import { token } from "../../runtime/subjects.ts";
import { unavailable } from "../unavailable.ts";
import {
  type UnmatchedMessage,
  type UnmatchedMessages,
  type UnmatchedReason,
  type WebhookSender,
  webhookSenders,
} from "./contract.ts";

/** The registers by sender. */
export type UnmatchedRegisters = Readonly<Record<WebhookSender, Register>>;

/** A message to be kept, as it came. */
export type Unmatched = {
  readonly sender: WebhookSender;
  readonly id: string;
  readonly type: string;
  readonly orderId: string | null;
  readonly reason: UnmatchedReason;
  readonly body: Buffer;
};

/** The value of an entry. Stored: its field names are a format. */
type Stored = Omit<UnmatchedMessage, "at"> & {
  /** Of the body that was signed; a repeat has the same one. */
  readonly digest: string;
};

/** Characters of a body that are kept. */
export const BODY_CHARS = 4096;
/** Of one part of a key: a subject has at most 1024. */
const KEY_PART_CHARS = 400;

/** Digests of a text under the secrets of its sender, the newest first; at least one. */
export type Digests = (text: string | Buffer) => readonly string[];

/** What became of a message: stored now, stored before, or stored before with another body. */
export type Kept = "stored" | "repeated" | "other_body";

/**
 * Keeps a message; it is durable when this resolves. A crash leaves it kept or not: its sender repeats it, and the key
 * identifies the repeat.
 * @param digests of any text, with keys: a digest that is stored must not reveal what was hidden
 * @throws Unavailable (retryable): it may have been kept
 */
export async function keepUnmatched(
  registers: UnmatchedRegisters,
  message: Unmatched,
  digests: Digests,
  failpoints: Failpoints | undefined,
): Promise<Kept> {
  const { sender, id, type, orderId, reason, body } = message;
  const register = registers[sender];
  const key = `${orderId === null ? "=none" : keyPart(orderId, digests)}.${keyPart(id, digests)}`;
  const ofBody = digests(body);
  const hiding = new Hiding();
  const shown = JSON.stringify(hiding.of(JSON.parse(body.toString("utf8"))));
  const entry: Stored = {
    sender,
    id: hidden(id),
    type: hidden(type),
    orderId: orderId === null ? null : hidden(orderId),
    reason,
    body: shown.slice(0, BODY_CHARS),
    bodyCut: hiding.isCut || shown.length > BODY_CHARS,
    digest: ofBody[0] ?? "",
  };
  const result = await failpoint(failpoints, "unmatched.store", () =>
    register.update(key, JSON.stringify(entry), 0),
  );
  if (result.status === "stored") return "stored";
  if (result.status === "unanswered")
    throw new Unavailable(`the message could not be kept: ${result.reason}`);
  const first = await register.get(key);
  // Dropped since: the repeat is kept.
  if (first === undefined) throw new Unavailable("the first message of this id has just been dropped");
  const { digest } = parseObject(first.value) ?? {};
  return ofBody.some((one) => one === digest) ? "repeated" : "other_body";
}

/** The list for operators. */
export function unmatchedMessages(registers: UnmatchedRegisters): UnmatchedMessages {
  return {
    list: async ({ limit, sender, after }) => {
      const [begin, sequence = "0"] = after?.split(".") ?? [];
      const first = begin === undefined ? 0 : webhookSenders.findIndex((one) => one === begin);
      const found: { readonly item: UnmatchedMessage; readonly next: string }[] = [];
      try {
        // One more than asked for shows whether there is a next page.
        for (const one of webhookSenders.slice(first)) {
          if (sender !== undefined && one !== sender) continue;
          const from = one === begin ? Number(sequence) : 0;
          for (const { value, revision, at } of await registers[one].list(from, limit + 1 - found.length))
            found.push({ item: shownOf(one, value, at), next: `${one}.${revision}` });
        }
      } catch (error) {
        if (error instanceof Unavailable) return unavailable(error.message);
        throw error;
      }
      const page = found.slice(0, limit);
      return {
        status: "found",
        items: page.map(({ item }) => item),
        next: found.length > limit ? (page.at(-1)?.next ?? null) : null,
      };
    },
  };
}

/** An entry as it is shown. One that is not readable shows that it is there. */
function shownOf(sender: WebhookSender, value: string, at: number): UnmatchedMessage {
  const stored = parseObject(value) ?? {};
  const text = (name: string): string => (typeof stored[name] === "string" ? stored[name] : "");
  const { orderId, bodyCut } = stored;
  return {
    sender,
    id: text("id"),
    type: text("type"),
    orderId: typeof orderId === "string" ? orderId : null,
    reason: text("reason") === "unknown_type" ? "unknown_type" : "unknown_order",
    body: text("body"),
    bodyCut: bodyCut === true,
    at: new Date(at).toISOString(),
  };
}

/** A text without what may not be stored or shown. */
export const hidden = (text: string): string => hideAddresses(hideCredentials(hideCardNumbers(text)));

/**
 * Hides what may not be stored in every text, name and number of a value. Of all texts together it reads `BODY_CHARS`
 * characters, as many as are kept: the search for what to hide takes time. The depth of the value is bounded by HTTP.
 */
class Hiding {
  /** True when not all of the texts were read. */
  isCut = false;
  private left = BODY_CHARS;

  of(value: unknown): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value === "number") {
      const shown = this.text(String(value));
      return shown === String(value) ? value : shown;
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((part) => this.of(part));
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [this.text(name), this.of(part)]));
  }

  private text(text: string): string {
    const read = text.slice(0, this.left);
    this.left -= read.length;
    if (read.length === text.length) return hidden(read);
    // The end of a number that is cut would not be recognized as one.
    this.isCut = true;
    return hidden(read.replace(/\d[^\p{L}]*$/u, ""));
  }
}

/** One part of a key: the text itself where it may be stored and is short enough. */
function keyPart(text: string, digests: Digests): string {
  const part = token(text);
  return hidden(text) === text && part.length <= KEY_PART_CHARS ? part : `=${digests(text)[0]}`;
}
