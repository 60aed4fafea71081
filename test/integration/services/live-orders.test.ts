/** Orders are followed on a real server: every commit once, as it was, from any position, at any node. */
import t from "tap";
import { partitionOf } from "../../../src/runtime/subjects.ts";
import type { OrderCommit } from "../../../src/services/live/contract.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { waitUntil } from "../../support/wait-until.ts";
import {
  cash,
  confirmed,
  PARTITIONS,
  type Running,
  settled,
  shirt,
  startNode,
} from "../nodes/composed-node.ts";

async function follow(node: Running, id: string, after?: number) {
  const found = await node.live.follow(id, after);
  if (found.status !== "found") throw new Error(found.status);
  const commits: OrderCommit[] = [];
  const ends: string[] = [];
  found.begin({ commit: (commit) => commits.push(commit), ended: (why) => ends.push(why) });
  return { commits, ends, found, stop: () => found.stop() };
}

t.test("an order is followed from its beginning, from a position and from now on", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startNode(t, url, "one");
  const two = await startNode(t, url, "two");
  await settled([one, two]);
  await one.inventory.put("A", { onHand: 10, ...shirt });
  t.equal((await one.live.follow("ord_none", undefined)).status, "not_found");
  const id = confirmed(await one.orders.place(cash("A"), { caller: "test", waitMs: 10_000 }));

  const now = await follow(one, id);
  const whole = await follow(two, id, 0);
  await waitUntil("the newest commit comes", () => now.commits.length === 1);
  t.equal(now.commits[0]?.order.status, "confirmed");
  for (const type of ["pick", "quality-check", "pack"] as const)
    t.match(await one.orders.command(id, type === "quality-check" ? { type, passed: true } : { type }), {
      status: "done",
    });
  const history = await waitUntil("the history and both watches agree", async () => {
    const found = await one.orders.history(id);
    if (found.status !== "found") return undefined;
    const ready = whole.commits.at(-1)?.order.status === "ready";
    return ready && found.items.length === whole.commits.length ? found.items : undefined;
  });
  await waitUntil(
    "the other one is there as well",
    () => now.commits.at(-1)?.item.version === history.length,
  );
  t.strictSame(
    whole.commits.map(({ item }) => item),
    history,
    "every commit once, as in the history",
  );
  t.strictSame(
    now.commits.map(({ item }) => item),
    history.slice(history.length - now.commits.length),
  );
  for (const { item, order } of whole.commits) {
    t.equal(order.version, item.version, "the order as it was then");
    t.equal(order.customer.name, cash("A").customer.name, "with its personal data");
  }
  const { status, total } = whole.commits[0]!.order;
  t.match(status, /^(reserving|confirmed)$/u, "stock may be reserved in the commit that accepts the order");
  t.equal(total === null, status === "reserving", "facts of the first version go with the first record");
  const got = await one.orders.get(id);
  t.strictSame(got.status === "found" && got.order, whole.commits.at(-1)?.order);

  const middle = whole.commits[2]!;
  const rest = await follow(two, id, middle.item.sequence);
  await waitUntil("the rest comes", () => rest.commits.length === history.length - 3);
  t.strictSame(rest.commits, whole.commits.slice(3), "nothing is lost or repeated");

  rest.stop();
  t.match(await two.orders.command(id, { type: "cancel", reason: "changed mind" }), { status: "done" });
  await waitUntil("it comes", () => now.commits.at(-1)?.order.status === "cancelled");
  t.equal(rest.commits.length, history.length - 3, "a watch that has stopped receives nothing");

  const state = await one.journals[0]!.state();
  const beyond = await follow(one, id, state.lastSequence + 1000);
  t.equal(beyond.found.positionGone, true);
  await waitUntil("it begins with the newest commit", () => beyond.commits.length > 0);
  t.equal(beyond.commits[0]?.item.version, now.commits.at(-1)?.item.version);
});

t.test("a record that this program cannot read ends what follows it", async (t) => {
  const { url } = await startNatsServer(t);
  const one = await startNode(t, url, "one");
  await settled([one]);
  await one.inventory.put("A", { onHand: 10, ...shirt });
  const id = confirmed(await one.orders.place(cash("A"), { caller: "test", waitMs: 10_000 }));
  const following = await follow(one, id);
  await waitUntil("the newest commit comes", () => following.commits.length === 1);
  const partition = partitionOf(id, PARTITIONS);
  const record = await one.journal.readLast(subjects.record(partition, id));
  const payload = record!.payload.replace(/"definition":\d+/u, '"definition":999');
  t.not(payload, record!.payload);
  await one.journal.append([{ subject: subjects.record(partition, id), payload }], 2000);
  await waitUntil("it has ended", () => following.ends.length === 1);
  t.match(following.ends[0], /stored by version 999/u);
  t.equal(following.commits.length, 1);
});
