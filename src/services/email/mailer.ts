/** The port to a mail server. */
import { token } from "../../runtime/subjects.ts";

/** One mail to one receiver. */
export type Mail = {
  /** With angle brackets; equal for every repetition of the same mail, so that the receiver can deduplicate. */
  readonly messageId: string;
  readonly to: { readonly name: string; readonly address: string };
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

/** The mail server permanently refused the mail: an unknown mailbox, for example. Not retryable. */
export class MailRefused extends Error {
  override readonly name = "MailRefused";
}

/** Sends mails, any number concurrently. */
export interface Mailer {
  /**
   * Resolves when the mail server has accepted the mail. A rejection other than MailRefused is retryable; the server
   * may have accepted the mail nevertheless.
   * @param at the mail's date
   * @param signal aborted: a mail that waits is not sent any more; one that is being sent may still arrive
   */
  send(mail: Mail, at: Date, signal?: AbortSignal): Promise<void>;
  /** Closes idle connections; mails in flight are still sent. */
  close(): void;
}

/** Part of the Message-ID; a reserved name (RFC 2606). */
const MESSAGE_DOMAIN = "orderly.example";

/** The same for every try to send an event's mail. */
export function messageIdOf(eventId: string): string {
  return `<${token(eventId)}@${MESSAGE_DOMAIN}>`;
}
