/** Card tokens: readable until an authorization is surely decided, on any node, and never after an hour. */
import { randomBytes } from "node:crypto";
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { KEY_LIFE_MS, PaymentTokens, SLOT_MS } from "../../../../src/services/personal/payment-tokens.ts";
import { Unopenable } from "../../../../src/services/personal/sealing.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";
import { sharedKeysOf } from "./stage.ts";

function stage() {
  const clock = new VirtualClock();
  const keys = faultyBucket();
  return { clock, keys, node: () => new PaymentTokens(sharedKeysOf(keys.bucket), randomBytes, clock) };
}

t.test("any node opens a token, for its order alone", async (t) => {
  const { node, keys } = stage();
  const sealed = await node().seal("ord_1", "tok_ok");
  t.notMatch(sealed, /tok_ok/u);
  t.equal(await node().open("ord_1", sealed), "tok_ok");
  await t.rejects(node().open("ord_2", sealed), Unopenable);
  t.equal(keys.entries.size, 1);
  t.equal(await node().open("ord_1", "tok_plain"), "tok_plain", "a token of an earlier version");
});

t.test("orders of one slot share a key: its messages are no cost of an order", async (t) => {
  const { node, keys, clock } = stage();
  const [one, two] = [node(), node()];
  for (let n = 0; n < 100; n++) await (n % 2 ? one : two).seal(`ord_${n}`, "tok_ok");
  t.equal(keys.entries.size, 1);
  await clock.advance(SLOT_MS);
  await one.seal("ord_later", "tok_ok");
  t.equal(keys.entries.size, 2);
});

t.test(
  "a token opens for at least 55 minutes, and after an hour in no process, its own included",
  async (t) => {
    const { node, clock, keys } = stage();
    const own = node();
    const sealed = await own.seal("ord_1", "tok_ok");
    await clock.advance(KEY_LIFE_MS - SLOT_MS);
    t.equal(await own.open("ord_1", sealed), "tok_ok");
    await clock.advance(SLOT_MS + 1);
    t.equal(await own.open("ord_1", sealed), undefined);
    t.equal(await node().open("ord_1", sealed), undefined);
    keys.entries.clear();
    t.equal(await node().open("ord_1", sealed), undefined, "the server has deleted the key");
  },
);
