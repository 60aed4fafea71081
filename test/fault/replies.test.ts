/** What a node replies while the server is silent: only states that are stored. */
import t from "tap";
import { arranged } from "../support/arranged.ts";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { metric } from "../support/metrics.ts";
import { command, orderOf, place, putStock, read, readiness } from "../support/clients/order-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { waitUntil } from "../support/wait-until.ts";

const ORDERS = 8;
/** The node takes requests until its presence runs out: 2.4 s after the server fell silent. */
const WHILE_PRESENT = { timeoutMs: 4_000, intervalMs: 5 } as const;
const SKU = "REPLIES";

t.test(
  "reads show the stored state while a newer one waits for the server, and a refusal waits with it",
  async (t) => {
    const cluster = await startOrderCluster(t, { nodes: 1, fulfillment: "manual", catalogue: false });
    const [url = ""] = cluster.urls;
    await putStock(url, SKU, 1000);
    const audit = auditReplies(t, cluster);
    const order = orderOf({ method: "cash_on_delivery", lines: [{ sku: SKU, quantity: 1 }] });
    const outboxDepth = () => metric(url, "orderly_outbox_depth");

    const attempt = async () => {
      const ids = await Promise.all(
        Array.from({ length: ORDERS }, () =>
          waitUntil("an order is confirmed", async () => {
            const { status, body } = await place(url, order);
            return status === 201 && body.id;
          }),
        ),
      );
      const before = await Promise.all(ids.map((id) => read(url, id)));
      await waitUntil("nothing waits in the outbox", async () => (await outboxDepth()) === 0);
      const speak = cluster.nats.freeze();
      try {
        let early = 0;
        const sent = (name: "pick" | "quality-check") => {
          const body = name === "pick" ? undefined : { passed: true };
          return ids.map((id) => command(url, id, name, body));
        };
        const picks = sent("pick");
        const waits = await waitUntil(
          "the picked orders wait for the server",
          async () => (await outboxDepth()) === ORDERS,
          WHILE_PRESENT,
        ).catch(() => false);
        if (!waits) return { missed: "the picked orders do not wait for the server" };
        const again = sent("pick").map((answer) =>
          answer.then((repeated) => {
            early++;
            return repeated;
          }),
        );
        // The node decides requests in the order in which they arrive: these are answered after the repeats.
        const meanwhile = [];
        for (let round = 0; round < 3; round++)
          meanwhile.push(...(await Promise.all(ids.map((id) => read(url, id)))));
        const refusedEarly = early;
        const isPresent = (await readiness(url)) === 200;
        speak();
        const answers = { picks: await Promise.all(picks), again: await Promise.all(again) };
        const shown = [...meanwhile, ...answers.picks, ...answers.again];
        if (!isPresent || shown.some(({ status }) => status === 503))
          return { missed: "the presence of the node has run out" };
        return { ...answers, before, meanwhile, refusedEarly };
      } finally {
        speak();
        await waitUntil("the node is ready", async () => (await readiness(url)) === 200);
      }
    };
    const seen = await arranged(t, "all of it happens while the node is present", attempt);

    const states = (answers: typeof seen.before) =>
      answers.map(
        ({ status, body }) => `${status} ${body.version} ${body.status} ${body.nextEvents?.join()}`,
      );
    t.strictSame(
      states(seen.meanwhile),
      [...states(seen.before), ...states(seen.before), ...states(seen.before)],
      "reads show what they showed before the picks",
    );
    t.equal(seen.refusedEarly, 0, "no second pick is refused before the first one is stored");
    t.strictSame(
      seen.picks.map(({ status }) => status),
      seen.picks.map(() => 200),
    );
    for (const { status, body } of seen.again) t.match([status, body], [409, { code: "illegal_transition" }]);
    t.ok((await audit.check(t)) >= 7 * ORDERS, "the audit has seen them");
  },
);
