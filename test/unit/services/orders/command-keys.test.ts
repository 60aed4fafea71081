/** Commands to an order under a key, and for one version of it. */
import t from "tap";
import type { StoredMessage } from "../../../../src/runtime/ports.ts";
import { newOrder, now, placed, service } from "./order-service.ts";

const keyed = { key: { caller: "shop", idempotencyKey: "k1" } };

t.test("a command with a key is done once, and another one under the same key is refused", async (t) => {
  const { actors, predictions, orders } = service();
  const id = placed(await orders.place(newOrder("cash_on_delivery"), now));
  const check = { type: "quality-check", passed: false } as const;
  await orders.command(id, { type: "pick" });
  t.match(await orders.command(id, check, keyed), {
    status: "done",
    order: { fulfillment: { status: "stored" } },
  });
  await orders.command(id, { type: "pick" });
  const { length } = actors.commandIds;
  t.match(await orders.command(id, check, keyed), {
    status: "done",
    order: { fulfillment: { status: "picked" } },
  });
  const reused = { status: "idempotency_key_reused", orderId: id };
  t.strictSame(await orders.command(id, { ...check, passed: true }, keyed), reused);
  t.strictSame(await orders.command(id, check, { ...keyed, reason: "another" }), reused);
  t.equal(actors.commandIds.length, length, "nothing reached the order");
  t.match(await predictions.command(id, check, keyed), { machines: [], events: [] });
  t.match(await predictions.command(id, { type: "cancel", reason: "x" }, keyed), { refusal: reused });
  t.match(await orders.command(id, check, { key: { ...keyed.key, caller: "another" } }), { status: "done" });
  t.match(await orders.command("ord_none", check, keyed), { status: "not_found" });
});

t.test(
  "a refused command for one version gets the same answer again, whatever has happened since",
  async (t) => {
    const records: StoredMessage[] = [];
    const { actors, orders } = service({ records });
    const id = placed(await orders.place(newOrder("cash_on_delivery"), now));
    const world = actors.worlds.get(id);
    if (!world) throw new Error("no order");
    const keep = () => {
      const { facts: _, ...snapshot } = world.snapshot;
      const record = { commit: "c", actor: id, input: "command:pick", transitions: [], snapshot };
      const sequence = records.length + 1;
      records.push({ subject: "s", sequence, at: 0, headers: {}, payload: JSON.stringify(record) });
    };
    keep();
    const { version } = world.snapshot;
    const how = (idempotencyKey: string, ifVersion = version) => ({
      key: { caller: "shop", idempotencyKey },
      ifVersions: [ifVersion],
    });
    const first = await orders.command(id, { type: "pack" }, how("k1"));
    t.match(first, { status: "illegal_transition", state: "confirmed", allowedEvents: ["cancel", "pick"] });
    t.match(await orders.command(id, { type: "pick" }, how("k2")), { status: "done" });
    keep();
    await orders.command(id, { type: "quality-check", passed: true });
    keep();
    t.match(await orders.command(id, { type: "pack" }, how("k1")), first, "though it is legal now");
    const late = { status: "version_changed", version: world.snapshot.version };
    t.strictSame(await orders.command(id, { type: "pick" }, how("k3")), late, "it was legal then");
    t.strictSame(await orders.command(id, { type: "pick" }, how("k4", 77)), late, "no such version yet");
    t.match(await orders.command(id, { type: "pick" }, how("k2")), { status: "done" }, "it was done");
  },
);

t.test(
  "a key is known as long as the order lives, also when its actor remembers later commands only",
  async (t) => {
    const records: StoredMessage[] = [];
    const { actors, orders } = service({ records });
    const id = placed(await orders.place(newOrder("cash_on_delivery"), now));
    const world = actors.worlds.get(id);
    if (!world) throw new Error("no order");
    const keep = () => {
      const { facts: _, ...snapshot } = world.snapshot;
      const record = { commit: "c", actor: id, input: "command:pick", transitions: [], snapshot };
      records.push({
        subject: "s",
        sequence: records.length + 1,
        at: 0,
        headers: {},
        payload: JSON.stringify(record),
      });
    };
    t.match(await orders.command(id, { type: "pick" }, keyed), { status: "done" });
    keep();
    for (let n = 0; n < 12; n++) {
      await orders.command(id, { type: "quality-check", passed: false });
      keep();
      await orders.command(id, { type: "pick" });
      keep();
    }
    const { version } = world.snapshot;
    t.notOk(
      world.snapshot.commands.some((one) => one.startsWith("key/")),
      "the actor has forgotten it",
    );
    t.match(await orders.command(id, { type: "pick" }, keyed), { status: "done" });
    t.match(await orders.command(id, { type: "pack" }, keyed), { status: "idempotency_key_reused" });
    t.equal(world.snapshot.version, version);
  },
);

t.test("a command for another version of the order changes nothing, and says which one it has", async (t) => {
  const { predictions, orders } = service();
  const id = placed(await orders.place(newOrder("cash_on_delivery"), now));
  const found = await orders.get(id);
  const version = found.status === "found" ? found.order.version : 0;
  const other = { ifVersions: [version + 1] };
  const changed = { status: "version_changed", version };
  t.strictSame(await orders.command(id, { type: "pick" }, other), changed);
  t.match(await predictions.command(id, { type: "pick" }, other), { refusal: changed, machines: [] });
  t.match(await predictions.command(id, { type: "pick" }, { ifVersions: [version] }), {
    basedOn: { version },
  });
  t.match(await orders.command(id, { type: "pick" }, { ifVersions: [1, version] }), { status: "done" });
});
