import { failpoint } from "../../runtime/failpoints.ts";
import { checked, type WorkerBounds } from "../../runtime/workers/worker-bounds.ts";
import {
  type RunningWorker,
  startWorker,
  type WorkerDependencies,
  WorkRefused,
} from "../../runtime/workers/worker.ts";
import { readOrderDetails } from "../documents/order-details.ts";
import { composeMessage, orderMails } from "./templates.ts";
import { MailRefused } from "./mailer.ts";
import { smtpMailer } from "./mailer.smtp.ts";
import { composeRefundMessage, REFUNDED } from "./refund-template.ts";

/** Retried for about three hours: a mail server may be away for lunch. */
export const emailBounds: WorkerBounds = checked({
  maxInFlight: 16,
  workLimitMs: 10_000,
  lockLifeMs: 15_000,
  backoffMs: 1_000,
  backoffMaxMs: 10 * 60_000,
  maxAttempts: 27,
});

/** What the e-mail worker needs of its node. */
export type EmailDependencies = WorkerDependencies & {
  /** Mail server, `smtp://host:port`. */
  readonly smtpUrl: string;
  readonly bounds?: WorkerBounds;
};

/** The event types that are worth a mail. */
export const mailedEvents: readonly string[] = [...orderMails, REFUNDED];

const SENDER = "Orderly <orders@orderly.example>";

/**
 * Sends the mails of orders, once per event as far as SMTP allows: a crash between the server's "taken" and the
 * mark sends the mail again, with the same Message-ID. A mail server that is away delays mails, for about three
 * hours; then, and when it says a definite no, the event becomes a dead letter.
 */
export async function startEmailWorker(dependencies: EmailDependencies): Promise<RunningWorker> {
  const bounds = dependencies.bounds ?? emailBounds;
  // As many connections as mails under way, so that none waits in the pool beyond its time limit.
  const mailer = smtpMailer({
    url: dependencies.smtpUrl,
    from: SENDER,
    connections: bounds.maxInFlight,
  });
  const worker = await startWorker(dependencies, {
    name: "email",
    types: mailedEvents,
    bounds,
    work: async (event) => {
      const mail =
        event.type === REFUNDED
          ? composeRefundMessage(event)
          : composeMessage(event, readOrderDetails(event.data));
      if (mail === undefined) throw new WorkRefused(`there is no mail for ${event.type}`);
      try {
        await failpoint(dependencies.failpoints, "email.send", () => mailer.send(mail));
      } catch (error) {
        if (error instanceof MailRefused) throw new WorkRefused(error.message, { cause: error });
        throw error;
      }
    },
  });
  return {
    counters: worker.counters,
    stop: async () => {
      await worker.stop();
      mailer.close();
    },
  };
}
