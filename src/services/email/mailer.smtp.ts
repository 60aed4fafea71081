import { createTransport } from "nodemailer";
import { type Mailer, MailRefused } from "./mailer.ts";

/** Where mails go and who sends them. */
export type SmtpSettings = {
  /** `smtp://` or `smtps://`, with user and password where the server wants them. */
  readonly url: string;
  readonly from: string;
  /** Connections, and so mails at the same time; further ones wait. */
  readonly connections: number;
};

/** Shorter than the worker's limit, so that a mail given up there is not sent later behind its back. */
const CONNECT_MS = 3_000;
const GREETING_MS = 3_000;
const SILENCE_MS = 6_000;
/** A connection is replaced after so many mails; servers have such a limit of their own. */
const MAILS_PER_CONNECTION = 1_000;

/** Mail over a pool of SMTP connections. Connects with the first mail; a server that is away fails each `send`. */
export function smtpMailer(settings: SmtpSettings): Mailer {
  const transport = createTransport(
    {
      pool: true,
      url: settings.url,
      maxConnections: settings.connections,
      maxMessages: MAILS_PER_CONNECTION,
      // A connection lost while sending says nothing about the mail: the worker decides, and counts.
      maxRequeues: 0,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: GREETING_MS,
      socketTimeout: SILENCE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from: settings.from },
  );
  return {
    send: async (mail) => {
      try {
        await transport.sendMail(mail);
      } catch (error) {
        throw isRefusal(error) ? new MailRefused(messageOf(error), { cause: error }) : error;
      }
    },
    close: () => transport.close(),
  };
}

/** Permanent (5xx), and about this mail: not about the server as a whole, nor about our password. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  const { code } = error;
  if (code !== "EENVELOPE" && code !== "EMESSAGE") return false;
  const status = "responseCode" in error ? Number(error.responseCode) : 0;
  // Without a status the library itself refused the address.
  return status === 0 || Number.isNaN(status) || (status >= 500 && status < 600);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
