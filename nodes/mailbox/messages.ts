import { type AddressObject, simpleParser } from "mailparser";

/** A mail as `GET /messages` shows it. `at`: time of arrival, RFC 3339 UTC. */
export type ReceivedMessage = {
  /** The envelope's recipients, separated by ", ". */
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly messageId: string;
  readonly at: string;
};

type Arrived = {
  readonly raw: Buffer;
  readonly to: string;
  readonly at: string;
  parsed?: Promise<ReceivedMessage>;
};

/**
 * The newest letters, oldest first, bounded. Kept raw and read only when somebody looks, so that a load test's
 * thousands of mails cost next to nothing. In memory: gone with the process.
 */
export class ReceivedMessages {
  private readonly capacity: number;
  private arrived: Arrived[] = [];
  private messages = 0;

  /** `capacity`: letters kept, 1 or more. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  add(raw: Buffer, recipients: readonly string[], at: Date): void {
    this.messages++;
    this.arrived.push({ raw, to: recipients.join(", "), at: at.toISOString() });
    // Trimmed in strides: shifting an array for every mail would cost more than the mail.
    if (this.arrived.length >= 2 * this.capacity) this.arrived = this.arrived.slice(-this.capacity);
  }

  clear(): void {
    this.arrived = [];
  }

  /** How many have come since the start, also those that are gone. */
  get received(): number {
    return this.messages;
  }

  /** Newest last. A mail that cannot be parsed shows up with its raw text. */
  read(): Promise<ReceivedMessage[]> {
    const kept = this.arrived.slice(-this.capacity);
    return Promise.all(kept.map((one) => (one.parsed ??= parse(one))));
  }
}

async function parse({ raw, to, at }: Arrived): Promise<ReceivedMessage> {
  try {
    const mail = await simpleParser(raw, { skipImageLinks: true });
    return {
      to,
      from: textOf(mail.from),
      subject: mail.subject ?? "",
      text: mail.text ?? "",
      html: mail.html === false ? "" : (mail.html ?? ""),
      messageId: mail.messageId ?? "",
      at,
    };
  } catch {
    return { to, from: "", subject: "", text: raw.toString("utf8"), html: "", messageId: "", at };
  }
}

function textOf(address: AddressObject | undefined): string {
  return address?.text ?? "";
}
