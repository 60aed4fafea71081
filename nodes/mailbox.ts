/** Process: the development mailbox. Receives e-mail by SMTP, shows it over HTTP, forwards nothing. */
import pino from "pino";
import { loadMailboxSettings } from "../config/settings.ts";
import { knownHosts } from "../src/http/connections/known-hosts.ts";
import { createMailboxApp } from "./mailbox/app.ts";
import { ReceivedMessages } from "./mailbox/messages.ts";
import { listenSmtp } from "./mailbox/smtp.ts";
import { runProcess } from "./process.ts";

const MESSAGES_KEPT = 1_000;

runProcess("mailbox", async () => {
  const settings = loadMailboxSettings();
  const log = pino({ name: "mailbox", level: settings.logLevel });
  const messages = new ReceivedMessages(MESSAGES_KEPT);
  const smtp = await listenSmtp(messages, {
    host: settings.httpHost,
    port: settings.smtpPort,
    now: Date.now,
  });
  const app = createMailboxApp(messages, knownHosts(undefined, settings.allowedHosts));
  const url = await app.listen({ host: settings.httpHost, port: settings.httpPort });
  log.info({ url, smtpPort: smtp.port }, "mailbox listens");
  return {
    stop: async () => {
      await Promise.all([app.close(), smtp.close()]);
    },
  };
});
