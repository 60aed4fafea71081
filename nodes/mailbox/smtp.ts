/** The development mailbox's SMTP server. */
import { SMTPServer, type SMTPServerSession } from "smtp-server";
import type { ReceivedMessages } from "./messages.ts";

const MAX_MAIL_BYTES = 4 * 1024 * 1024;
/** An open connection must not delay the end of the process. */
const CLOSE_TIMEOUT_MS = 500;

/** Accepts every e-mail for every recipient, without TLS and without a password: loopback only. */
export async function listenSmtp(
  messages: ReceivedMessages,
  options: { readonly host: string; readonly port: number; readonly now: () => number },
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    size: MAX_MAIL_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => {
        if (!stream.sizeExceeded) chunks.push(chunk);
      });
      stream.on("end", () => {
        if (stream.sizeExceeded) {
          done(Object.assign(new Error("message too large"), { responseCode: 552 }));
          return;
        }
        messages.add(Buffer.concat(chunks), recipientsOf(session), new Date(options.now()));
        done();
      });
    },
  });
  // A client that breaks its connection must not affect the others.
  server.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.server.off("error", reject);
      resolve();
    });
  });
  const address = server.server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

const recipientsOf = (session: SMTPServerSession): string[] =>
  session.envelope.rcptTo.map((recipient) => recipient.address);
