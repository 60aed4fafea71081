/** The e-mails that the development mailbox has received. */
import { type AddressObject, simpleParser } from "mailparser";

/** An e-mail as `GET /messages` returns it. `at`: time of arrival, RFC 3339 UTC. */
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
 * The newest messages, oldest first, bounded. They are kept raw and parsed only when a client reads them, so that the
 * thousands of e-mails of a load test cost almost nothing. In memory: lost with the process.
 */
export class ReceivedMessages {
  private readonly capacity: number;
  private arrived: Arrived[] = [];
  private count = 0;

  /** `capacity`: messages kept, 1 or more. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Stores one message. `recipients` of the envelope. */
  add(raw: Buffer, recipients: readonly string[], at: Date): void {
    this.count++;
    this.arrived.push({ raw, to: recipients.join(", "), at: at.toISOString() });
    // Trimmed in large steps: shifting an array for every message would cost more than the message.
    if (this.arrived.length >= 2 * this.capacity) this.arrived = this.arrived.slice(-this.capacity);
  }

  /** Removes every message. */
  clear(): void {
    this.arrived = [];
  }

  /** Number of messages since the start, also those no longer kept. */
  get received(): number {
    return this.count;
  }

  /** Newest last. A message that cannot be parsed is returned with its raw text. */
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
