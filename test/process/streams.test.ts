/** Orders of every payment type on two nodes whose partitions are divided over two streams. */
import { Kvm } from "@nats-io/kv";
import t from "tap";
import { auditReplies } from "../support/audits/reply-audit.ts";
import { streamOf } from "../../src/runtime/layout.ts";
import { subjects } from "../../src/services/subjects.ts";
import { partitionOf } from "../../src/runtime/subjects.ts";
import { connectNats } from "../../src/adapters/nats/connection.ts";
import type { LockEntry } from "../../src/runtime/cluster/lock-entry.ts";
import { orderOf, place, stock } from "../support/clients/order-client.ts";
import { untilOrder } from "../support/clients/order-poll.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { checkMails, checkPdf } from "../support/audits/order-documents.ts";

const STREAMS = 2;
const PARTITIONS = 32;
const METHODS = ["cash_on_delivery", "in_person", "credit_card", "debit_card", "tokenized"] as const;
const MAILS = ["Order created and awaiting payment", "Order confirmed", "Order shipped"];
/** Of one method; more of them when a stream has none. */
const ORDERS_EACH = 2;

t.setTimeout(180_000);

t.test("orders of both streams are completed, mailed and invoiced with every payment method", async (t) => {
  const cluster = await startOrderCluster(t, { nodes: 2, env: { ORDERLY_STREAMS: String(STREAMS) } });
  const audit = auditReplies(t, cluster, STREAMS);
  const before = await stock(cluster.urls[0]!, "TSHIRT-M");
  const placed = async (method: (typeof METHODS)[number], n: number) => {
    const url = cluster.urls[n % cluster.urls.length]!;
    const email = `${method}-${n}@example.com`;
    const { status, body } = await place(url, orderOf({ method, email }));
    t.equal(status, 201, `${method}: ${body.status}`);
    return { id: body.id, email };
  };
  const streamOfOrder = ({ id }: { readonly id: string }) => streamOf(partitionOf(id, PARTITIONS), STREAMS);
  const orders = await Promise.all(
    METHODS.flatMap((method) => Array.from({ length: ORDERS_EACH }, (_, n) => placed(method, n))),
  );
  while (new Set(orders.map(streamOfOrder)).size < STREAMS)
    orders.push(await placed("credit_card", orders.length));
  const elsewhere = cluster.urls[1]!;
  for (const { id, email } of orders) {
    const done = await untilOrder(
      elsewhere,
      id,
      "completed and invoiced",
      ({ status, invoice }) => status === "completed" && invoice !== null,
      { timeoutMs: 60_000 },
    );
    await checkMails(t, cluster.mailbox.url, email, MAILS);
    await checkPdf(t, elsewhere, done);
  }
  const streams = orders.map(streamOfOrder);
  t.comment(
    `orders by stream: ${streams.filter((stream) => stream === 0).length} and ${streams.filter((stream) => stream === 1).length}`,
  );
  const after = await stock(elsewhere, "TSHIRT-M");
  t.match(after, { onHand: before.onHand - orders.length, reserved: 0 });
  await audit.check(t);

  const link = await connectNats({ servers: [cluster.nats.url], name: "kv", connectTimeoutMs: 5000 });
  t.teardown(() => link.close());
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const kv = await new Kvm(link.nc).open(subjects.lockBucket(streamOf(partition, STREAMS)));
    const owner = (await kv.get(`partition.${partition}`))?.json<LockEntry>().node;
    t.ok(
      cluster.nodes.some(({ name }) => name === owner),
      `partition ${partition} is owned by ${owner}`,
    );
  }
});
