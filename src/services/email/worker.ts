/** The e-mail worker: one mail per event that has a template. */
import { failpoint } from "../../runtime/failpoints.ts";
import { checked, type WorkerBounds } from "../../runtime/workers/worker-bounds.ts";
import {
  type RunningWorker,
  startWorker,
  type WorkerDependencies,
  WorkRefused,
} from "../../runtime/workers/worker.ts";
import { completed, type FactsReader } from "../orders/facts-reader.ts";
import { readOrderDetails } from "../documents/order-details.ts";
import { composeMessage, orderMails } from "./templates.ts";
import { type Mail, type Mailer, MailRefused } from "./mailer.ts";
import { smtpMailer } from "./mailer.smtp.ts";
import { composeRefundMessage, REFUNDED } from "./refund-template.ts";
import { composeRejectionMessage, REJECTED_UNANSWERED } from "./rejection-template.ts";

/** Mails that one node sends at the same time. */
const CONNECTIONS = 16;

/**
 * Retries for about three hours: longer than most outages of a mail server. Most of a mail's time its event waits for
 * its lock and for its mark, which share batches with others: so there are more events than connections. A mail that
 * finds no free connection for three seconds has failed one attempt.
 */
export const emailBounds: WorkerBounds = checked({
  maxInFlight: 64,
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
  /** Instead of the one at `smtpUrl`. */
  readonly mailer?: Mailer;
  readonly bounds?: WorkerBounds;
  /** What an event does not say about its order. */
  readonly facts: FactsReader;
};

type Composer = (event: {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}) => Mail | undefined;

const composeOrderMail: Composer = (event) => composeMessage(event, readOrderDetails(event.data));

/** The mail for an event, undefined when its type has none. @throws WorkRefused for data that is none of its type */
export const composeMail: Composer = (event) =>
  Object.hasOwn(composers, event.type) ? composers[event.type]?.(event) : undefined;

/** By event type. An event whose payload is no order has a separate entry. */
const composers: Readonly<Record<string, Composer>> = {
  ...Object.fromEntries(orderMails.map((type) => [type, composeOrderMail])),
  [REFUNDED]: composeRefundMessage,
  [REJECTED_UNANSWERED]: composeRejectionMessage,
};

/** The event types that have a template. */
export const mailedEvents: readonly string[] = Object.keys(composers);

/** The worker as its consumer knows it. */
export const emailQueue = { name: "email", types: mailedEvents, bounds: emailBounds } as const;

const SENDER = "Orderly <orders@orderly.example>";

/**
 * Sends the mails of orders, once per event as far as SMTP allows: a crash between the server's acceptance and its
 * record sends the mail again, with the same Message-ID. While the mail server is away, mails are delayed for about
 * three hours. After that, or after a permanent refusal, the event becomes a dead letter.
 */
export async function startEmailWorker(dependencies: EmailDependencies): Promise<RunningWorker> {
  const bounds = dependencies.bounds ?? emailBounds;
  const connections = Math.min(CONNECTIONS, bounds.maxInFlight);
  const mailer = dependencies.mailer ?? smtpMailer({ url: dependencies.smtpUrl, from: SENDER, connections });
  const worker = await startWorker(dependencies, {
    ...emailQueue,
    bounds,
    work: async (event, { signal }) => {
      const mail = composeMail(await completed(event, dependencies));
      if (mail === undefined) throw new WorkRefused(`there is no template for ${event.type}`);
      try {
        await failpoint(dependencies.failpoints, "email.send", () =>
          mailer.send(mail, new Date(dependencies.clock.now()), signal),
        );
      } catch (error) {
        if (error instanceof MailRefused) throw new WorkRefused(error.message, { cause: error });
        throw error;
      }
    },
  });
  return {
    counters: worker.counters,
    backlog: () => worker.backlog(),
    stop: async () => {
      await worker.stop();
      mailer.close();
    },
  };
}
