/** The port to the outside world of mail. */
import { token } from "../../runtime/subjects.ts";

/** One mail to one receiver. */
export type Mail = {
  /** With angle brackets; equal for every repetition of the same mail, so that the receiver can tell. */
  readonly messageId: string;
  readonly to: { readonly name: string; readonly address: string };
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

/** The receiving side has said no for good: no such mailbox, say. Not retryable. */
export class MailRefused extends Error {
  override readonly name = "MailRefused";
}

/** Sends mails, any number at the same time. */
export interface Mailer {
  /**
   * Resolves when the next server has taken the mail over. A rejection other than MailRefused is retryable; the
   * mail may have been taken over all the same.
   */
  send(mail: Mail): Promise<void>;
  /** Ends idle connections; mails under way are still sent. */
  close(): void;
}

/** Part of the Message-ID; a name that belongs to nobody. */
const MESSAGE_DOMAIN = "orderly.example";

/** The same for every try to send an event's mail. */
export function messageIdOf(eventId: string): string {
  return `<${token(eventId)}@${MESSAGE_DOMAIN}>`;
}
