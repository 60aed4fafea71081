import type { Transporter } from "nodemailer";
import { hideAddresses } from "../../../config/redaction.ts";
import { MailPlaces } from "./mail-places.ts";
import { type Mailer, MailRefused } from "./mailer.ts";

/** The mail server and the sender. */
export type SmtpSettings = {
  /** `smtp://` or `smtps://`, with user and password where the server requires them. */
  readonly url: string;
  readonly from: string;
  /** Connections, and so concurrent mails; further ones wait briefly. */
  readonly connections: number;
};

/** How long a mail waits for a connection: with the silence below, shorter than the worker's limit of an attempt. */
const WAIT_MS = 3_000;
/** All three are shorter than the worker's limit, so that a mail that timed out there is not sent later. */
const CONNECT_MS = 3_000;
const GREETING_MS = 3_000;
const SILENCE_MS = 6_000;
/** Mails after which a connection is replaced; servers have such a limit as well. */
const MAILS_PER_CONNECTION = 1_000;

/**
 * Mail over a pool of SMTP connections. The library is loaded, and connects, with the first mail; each `send` fails
 * while the server is away.
 */
export function smtpMailer(settings: SmtpSettings): Mailer {
  let pool: Promise<Transporter> | undefined;
  const places = new MailPlaces(settings.connections, WAIT_MS);
  return {
    send: async (mail, at, signal) => {
      pool ??= openPool(settings);
      const transport = await pool;
      const sent = async (): Promise<void> => {
        try {
          await transport.sendMail({ ...mail, date: at });
        } catch (error) {
          throw isRefusal(error) ? new MailRefused(reasonOf(error)) : new Error(reasonOf(error));
        }
      };
      await places.within(sent, signal);
    },
    close: () => void pool?.then((transport) => transport.close()),
  };
}

async function openPool(settings: SmtpSettings): Promise<Transporter> {
  const { createTransport } = await import("nodemailer");
  return createTransport(
    {
      pool: true,
      url: settings.url,
      maxConnections: settings.connections,
      maxMessages: MAILS_PER_CONNECTION,
      // A connection lost while sending does not show whether the mail arrived: the worker decides, and counts.
      maxRequeues: 0,
      connectionTimeout: CONNECT_MS,
      greetingTimeout: GREETING_MS,
      socketTimeout: SILENCE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from: settings.from },
  );
}

/** True for a permanent refusal (5xx) of this mail: not for one of the connection or of the password. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  const { code } = error;
  if (code !== "EENVELOPE" && code !== "EMESSAGE") return false;
  const status = "responseCode" in error ? Number(error.responseCode) : 0;
  // Without a status the library itself refused the address.
  return status === 0 || Number.isNaN(status) || (status >= 500 && status < 600);
}

/** The text alone: the library's error holds the mail, its receiver, and the server's words with the address. */
const reasonOf = (error: unknown): string =>
  hideAddresses(error instanceof Error ? error.message : String(error));
