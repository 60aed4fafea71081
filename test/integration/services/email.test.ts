import { createServer, type Server } from "node:net";
import pino from "pino";
import t, { type Test } from "tap";
import { type ReceivedMessage, ReceivedMessages } from "../../../nodes/mailbox/messages.ts";
import { listenSmtp } from "../../../nodes/mailbox/smtp.ts";
import { startEmailWorker } from "../../../src/services/email/worker.ts";
import { systemClock } from "../../../src/adapters/local/system-clock.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import { freePorts } from "../../support/cluster/free-ports.ts";
import { noFacts, orderDetails } from "../../support/order-details.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { type Stage, startStage } from "../../support/worker-stage.ts";

const bounds = {
  maxInFlight: 4,
  workLimitMs: 2_000,
  lockLifeMs: 2_500,
  backoffMs: 50,
  backoffMaxMs: 200,
  maxAttempts: 1_000,
};

async function startMailbox(t: Test, port = 0) {
  const letters = new ReceivedMessages(1_000);
  const smtp = await listenSmtp(letters, { host: "127.0.0.1", port, now: Date.now });
  t.teardown(() => smtp.close());
  return { letters, port: smtp.port, close: () => smtp.close() };
}

async function startMail(
  t: Test,
  stage: Stage,
  port: number,
  {
    maxAttempts = bounds.maxAttempts,
    log,
    now,
  }: { readonly maxAttempts?: number; readonly log?: Log; readonly now?: () => number } = {},
) {
  const node = await stage.node();
  const smtpUrl = `smtp://127.0.0.1:${port}`;
  const worker = await startEmailWorker({
    ...node,
    ...(log && { log }),
    ...(now && { clock: { ...systemClock, now } }),
    facts: noFacts,
    smtpUrl,
    bounds: { ...bounds, maxAttempts },
  });
  t.teardown(() => worker.stop());
  return worker;
}

const event = (n: number, type: string, extra: object = {}) => ({
  id: `ord_${n}.${type}.0`,
  type,
  order: `ord_${n}`,
  data: { ...orderDetails(`ord_${n}`), ...extra },
});

const subjectsByReceiver = (letters: readonly ReceivedMessage[]) =>
  letters.map(({ to, subject }) => `${to}: ${subject}`).toSorted();

t.test("two workers send each mail of an order once, though every event comes twice", async (t) => {
  const stage = await startStage(t);
  const mailbox = await startMailbox(t);
  await startMail(t, stage, mailbox.port);
  await startMail(t, stage, mailbox.port);
  const events = Array.from({ length: 10 }, (_, n) => [
    event(n, "order.created"),
    event(n, "order.confirmed"),
    event(n, "order.shipped", { trackingNumber: `TRK${n}` }),
    event(n, "order.cancelled", { reason: "changed my mind" }),
    // Has no template.
    event(n, "order.completed"),
  ]).flat();
  for (const one of [...events, ...events]) await stage.emit(one);
  await waitUntil("forty mails have come", () => mailbox.letters.received >= 40);
  await waitUntil("one more event is mailed after them", async () => {
    await stage.emit(event(99, "order.created"));
    return subjectsByReceiver(await mailbox.letters.read()).some((line) => line.startsWith("ord_99@"));
  });
  const letters = (await mailbox.letters.read()).filter(({ to }) => !to.startsWith("ord_99@"));
  const expected = Array.from({ length: 10 }, (_, n) =>
    ["Order created and awaiting payment", "Order confirmed", "Order shipped", "Order cancelled"].map(
      (subject) => `ord_${n}@example.com: ${subject}`,
    ),
  ).flat();
  t.same(subjectsByReceiver(letters), expected.toSorted());
  t.equal(new Set(letters.map((letter) => letter.messageId)).size, 40);
  const shipped = letters.find(
    ({ to, subject }) => to === "ord_3@example.com" && subject === "Order shipped",
  );
  t.match(shipped, { from: /orders@orderly\.example/, text: /TRK3/, html: /T-shirt M/ });
});

t.test("a mail has the date of the clock by which its node decides", async (t) => {
  const stage = await startStage(t);
  const dates: string[] = [];
  const { port, recover } = await startFaultySmtp(t, {
    onMail: (mail) => {
      dates.push(/^Date: (.+)$/im.exec(mail)?.[1]?.trim() ?? "");
      return "250 taken";
    },
  });
  recover();
  // Whole seconds, as a mail has them. An event that is weeks old by this clock would not be mailed.
  const sentAt = Math.floor(Date.now() / 1000 - 3600) * 1000;
  const worker = await startMail(t, stage, port, { now: () => sentAt });
  await stage.emit(event(1, "order.created"));
  await waitUntil("it is sent", () => worker.counters.done === 1);
  t.strictSame(dates.map(Date.parse), [sentAt]);
});

t.test("mails wait while the mail server is away, and all come once when it is back", async (t) => {
  const stage = await startStage(t);
  const [port = 0] = await freePorts(1);
  const worker = await startMail(t, stage, port);
  for (let n = 0; n < 5; n++) await stage.emit(event(n, "order.created"));
  await waitUntil("every mail has failed more than once", () => worker.counters.failed > 10);
  const mailbox = await startMailbox(t, port);
  await waitUntil("all have come", () => worker.counters.done === 5);
  t.same(
    subjectsByReceiver(await mailbox.letters.read()),
    Array.from({ length: 5 }, (_, n) => `ord_${n}@example.com: Order created and awaiting payment`),
  );
  t.same(await stage.dead(), []);
});

t.test("a mail is sent again when the connection breaks before the server's answer", async (t) => {
  const stage = await startStage(t);
  const taken: string[] = [];
  const { port, recover } = await startFaultySmtp(t, {
    onMail: (mail) => {
      taken.push(/Message-ID: (\S+)/i.exec(mail)?.[1] ?? "");
      // Accepted, and then the connection breaks before the sender gets the answer.
      return taken.length === 1 ? "drop" : "250 taken";
    },
  });
  recover();
  const worker = await startMail(t, stage, port);
  await stage.emit(event(1, "order.created"));
  await waitUntil("it is sent", () => worker.counters.done === 1);
  t.equal(taken.length, 2, "at least once: the outcome of the first is unknown");
  t.equal(taken[0], taken[1], "the receiver can deduplicate by the Message-ID");
});

t.test("an unknown receiver results in a dead letter at once, an overloaded server does not", async (t) => {
  const stage = await startStage(t);
  const { port, recover } = await startFaultySmtp(t, {
    onReceiver: (line) => (line.includes("ord_1@") ? "550 no such user" : "451 later please"),
  });
  const worker = await startMail(t, stage, port);
  await stage.emit(event(1, "order.created"));
  await stage.emit(event(2, "order.created"));
  const letter = await waitUntil("there is a dead letter", async () => (await stage.dead())[0]);
  t.match(letter, { subject: "dead.email.3.ord_1", headers: { "Orderly-Dead-Attempts": "1" } });
  t.match(letter.headers["Orderly-Dead-Reason"], "550 no such user");
  await waitUntil("the other one is tried again", () => worker.counters.failed > 2);
  recover();
  await waitUntil("and sent at last", () => worker.counters.done === 1);
  t.equal((await stage.dead()).length, 1);
});

t.test(
  "no address is in the log or the reason of a dead letter, though the mail server repeats it",
  async (t) => {
    const stage = await startStage(t);
    const { port } = await startFaultySmtp(t, {
      onReceiver: (line) =>
        `${line.includes("ord_1@") ? 550 : 451} ${line.slice(8)} no such user ord_1@example.com`,
    });
    const lines: string[] = [];
    const log = pino({ level: "trace" }, { write: (line: string) => lines.push(line) });
    const worker = await startMail(t, stage, port, { log });
    await stage.emit(event(1, "order.created"));
    await stage.emit(event(2, "order.created"));
    const letter = await waitUntil("there is a dead letter", async () => (await stage.dead())[0]);
    t.match(letter.headers["Orderly-Dead-Reason"], /550 \[address\] no such user \[address\]/u);
    await waitUntil("the other one has failed twice", () => worker.counters.failed > 1);
    t.ok(lines.length > 1, "both are logged");
    t.notMatch(lines.join("\n"), /example\.com/u);
  },
);

t.test("an event that is no order results in a dead letter with its fault", async (t) => {
  const stage = await startStage(t);
  const mailbox = await startMailbox(t);
  await startMail(t, stage, mailbox.port);
  await stage.emit({ id: "x.1.0", type: "order.created", order: "x", data: { orderId: "x" } });
  const letter = await waitUntil("there is a dead letter", async () => (await stage.dead())[0]);
  t.match(letter.headers["Orderly-Dead-Reason"], /the event's data is not an order: .*customer/);
});

t.test("after the last attempt a mail becomes a dead letter", async (t) => {
  const stage = await startStage(t);
  const [port = 0] = await freePorts(1);
  await startMail(t, stage, port, { maxAttempts: 3 });
  await stage.emit(event(1, "order.created"));
  const letter = await waitUntil("there is a dead letter", async () => (await stage.dead())[0]);
  t.match(letter.headers, { "Orderly-Dead-Attempts": "3", "Orderly-Dead-Reason": /ECONNREFUSED/ });
});

/** A minimal SMTP server that misbehaves. Until `recover` receivers get the answer of `onReceiver`. */
async function startFaultySmtp(
  t: Test,
  faults: { onReceiver?: (line: string) => string; onMail?: (mail: string) => string },
): Promise<{ readonly port: number; readonly recover: () => void }> {
  let healthy = false;
  const server: Server = createServer((socket) => {
    const say = (line: string) => void socket.write(`${line}\r\n`);
    let input = "";
    let inMail = false;
    socket.on("error", () => undefined);
    say("220 ready");
    const command = (line: string) => {
      if (/^RCPT/i.test(line)) return say(healthy ? "250 ok" : (faults.onReceiver?.(line) ?? "250 ok"));
      if (/^DATA/i.test(line)) inMail = true;
      return say(inMail ? "354 go on" : "250 ok");
    };
    socket.on("data", (chunk: Buffer) => {
      input += chunk.toString("latin1");
      for (;;) {
        const end = input.indexOf(inMail ? "\r\n.\r\n" : "\r\n");
        if (end === -1) return;
        const part = input.slice(0, end);
        input = input.slice(end + (inMail ? 5 : 2));
        if (!inMail) {
          command(part);
          continue;
        }
        inMail = false;
        const answer = faults.onMail?.(part) ?? "250 taken";
        if (answer === "drop") socket.destroy();
        else say(answer);
      }
    });
    t.teardown(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    recover: () => {
      healthy = true;
    },
  };
}
