/** The node that serves a stream is killed; its client goes on at another one, and gets every commit once. */
import t from "tap";
import { command, history, orderOf, place } from "../support/clients/order-client.ts";
import { openEvents, type ServerEvent } from "../support/clients/event-client.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import type { OrderSummary } from "../../src/services/projection/contract.ts";
import { waitUntil } from "../support/wait-until.ts";

const WAIT = { timeoutMs: 60_000, intervalMs: 100 };

t.test("a stream goes on at another node where it was cut", async (t) => {
  const cluster = await startOrderCluster(t, { fulfillment: "manual" });
  const [serving, ...others] = cluster.nodes;
  const [other] = others;
  if (!serving || !other) throw new Error("the cluster has three nodes");
  const { body } = await place(other.url, orderOf());
  const { id } = body;
  const first = await openEvents(t, `${serving.url}/v1/orders/${id}/stream?after=0`);
  const confirmed = await waitUntil(
    "the stream has the commits so far",
    () => (statusOf(first.events.at(-1)) === "confirmed" ? first.events.length : undefined),
    WAIT,
  );
  const list = await openEvents(t, `${serving.url}/v1/stream?topics=orders`);
  await waitUntil("the list is followed", () => list.events.some(({ event }) => event === "counts"), WAIT);
  await command(other.url, id, "pick");
  await waitUntil("the next commit comes", () => first.events.length > confirmed, WAIT);
  await waitUntil("the list shows it", () => rowIn(list.events, id)?.fulfillment.status === "picked", WAIT);
  const reached = list.events.findLast((event) => event.id !== undefined)?.id ?? "";
  await serving.kill();
  await waitUntil("the stream has ended", () => first.ended(), WAIT);
  // Its partitions change owner; a command that finds none is repeated, as a client does.
  for (const step of ["quality-check", "pack", "ship", "deliver"] as const)
    await waitUntil(
      `the order takes ${step}`,
      async () => {
        const body = step === "quality-check" ? { passed: true } : undefined;
        const answer = await command(other.url, id, step, body).catch(() => undefined);
        return answer?.status === 200 || undefined;
      },
      WAIT,
    );
  const position = first.events.at(-1)?.id ?? "";
  const second = await openEvents(t, `${other.url}/v1/orders/${id}/stream?after=0`, {
    "last-event-id": position,
  });
  await waitUntil("the order is completed", () => statusOf(second.events.at(-1)) === "completed", WAIT);
  const rest = await openEvents(t, `${other.url}/v1/stream?topics=orders`, { "last-event-id": reached });
  await waitUntil(
    "the list at the other node has what was missed meanwhile",
    () => rowIn(rest.events, id)?.status === "completed",
    WAIT,
  );
  const received = [...first.events, ...second.events];
  const stored = await history(other.url, id);
  t.strictSame(
    received.map(({ id }) => Number(id)),
    stored.map(({ sequence }) => sequence),
    "every commit once, in order",
  );
  t.strictSame(
    received.map(({ data }) => (data as { item: unknown }).item),
    stored,
  );
});

/** The newest row of an order. */
function rowIn(events: readonly ServerEvent[], id: string): OrderSummary | undefined {
  const frames = events.filter(({ event }) => event === "rows");
  const items = frames.flatMap(({ data }) => (data as { items: OrderSummary[] }).items);
  return items.findLast((item) => item.id === id);
}

const statusOf = (event: ServerEvent | undefined): string | undefined =>
  event?.event === "record" ? (event.data as { order: { status: string } }).order.status : undefined;
