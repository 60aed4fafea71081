/** Two applications on one server, in one account: each has its own streams, and neither sees the other. */
import t from "tap";
import { booking } from "../../../examples/booking/booking.ts";
import { turnstile } from "../../../examples/turnstile/turnstile.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";
import { hostActors } from "../../../src/runtime/host.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const WAIT = { waitMs: 5_000, mayExist: true };

/** Every stream of an application that has one stream of records. */
const streamsOf = (bucket: string) => [
  `${bucket}_DEAD`,
  ...["", "_DEFINITIONS", "_FLOORS", "_NODES", "_PROCESSED", "_SETTINGS"].map((end) => `KV_${bucket}${end}`),
];

t.test("actors with the same id live in two applications, and one's end is not the other's", async (t) => {
  const server = await startNatsServer(t);
  const charged: string[] = [];
  const common = { nats: server.url, partitions: 4, nodeId: "one" };
  const gates = await hostActors({
    ...common,
    definition: turnstile(async (key) => ({ receipt: key })),
    prefix: "turnstile",
    home: temporaryFolder(t),
  });
  t.teardown(() => gates.stop());
  const bookings = await hostActors({
    ...common,
    definition: booking({
      charge: async (key) => {
        charged.push(key);
        return { charge: key };
      },
      find: async () => undefined,
      refund: async () => ({ refund: "r" }),
    }),
    prefix: "booking",
    bucket: "SEATS",
    home: temporaryFolder(t),
  });
  await gates.actors.start("same", { lockAfterMs: 60_000 }, WAIT);
  await bookings.actors.start("same", { seat: "12A", cents: 100, holdMs: 60_000 }, WAIT);
  const command = { commandId: "1", waitMs: 5_000 };
  t.match(await gates.actors.command("same", "turnstile", { type: "coin" }, command), {
    status: "ok",
    snapshot: { machines: { turnstile: { value: "unlocked" } } },
  });
  t.match(await bookings.actors.command("same", "booking", { type: "pay" }, command), {
    status: "ok",
    snapshot: { machines: { booking: { value: "confirmed" } } },
  });
  t.equal(charged.length, 1);
  for (const host of [gates, bookings]) {
    t.strictSame(
      host.status().entries.map(({ id }) => id),
      ["one"],
      "a node sees the nodes of its own application only",
    );
  }
  const link = await connectNats({ servers: [server.url], name: "test", connectTimeoutMs: 5_000 });
  t.teardown(() => link.close());
  const { streams } = await apiRequest<{ streams: string[] }>(link, "STREAM.NAMES", {}, 2_000);
  t.strictSame(streams.toSorted(), [...streamsOf("SEATS"), ...streamsOf("TURNSTILE")].toSorted());
  await bookings.stop();
  t.match(await gates.actors.command("same", "turnstile", { type: "push" }, { ...command, commandId: "2" }), {
    status: "ok",
  });
});

t.test(
  "a host whose layout differs from the stored one is refused, and the message names the option",
  async (t) => {
    const server = await startNatsServer(t);
    const options = {
      definition: turnstile(async (key) => ({ receipt: key })),
      nats: server.url,
      nodeId: "one",
    };
    const first = await hostActors({ ...options, partitions: 4, home: temporaryFolder(t) });
    t.teardown(() => first.stop());
    const other = { ...options, nodeId: "two", partitions: 8, home: temporaryFolder(t) };
    await t.rejects(hostActors(other), {
      name: "CannotHost",
      message: /number of partitions is "4", needed "8" \(option partitions\)/,
    });
    const nowhere = {
      ...options,
      nats: "nats://127.0.0.1:1",
      connectTimeoutMs: 200,
      home: temporaryFolder(t),
    };
    await t.rejects(hostActors(nowhere), {
      name: "CannotHost",
      message: /cannot connect to NATS.*start nats-server/,
    });
  },
);
