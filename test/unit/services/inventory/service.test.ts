/** The shard on the bus: losses and acquisitions that overlap, because the server answers late. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import { type Bus, Unavailable } from "../../../../src/runtime/ports.ts";
import { InventoryService } from "../../../../src/services/inventory/service.ts";
import { turns } from "./fake-log.ts";
import { ownedShard } from "./owned-shard.ts";

/** A bus that counts its subscriptions; flushes and ends of subscriptions wait until the test releases them. */
function slowBus() {
  const flushes: PromiseWithResolvers<void>[] = [];
  const stops: PromiseWithResolvers<void>[] = [];
  let serving = 0;
  const bus: Bus = {
    request: () => Promise.resolve({ status: "no_responders" }),
    serve: async () => {
      serving++;
      let over = false;
      return {
        stop: async () => {
          if (!over) serving--;
          over = true;
          const stop = Promise.withResolvers<void>();
          stops.push(stop);
          await stop.promise;
        },
      };
    },
    flush: () => {
      const flush = Promise.withResolvers<void>();
      flushes.push(flush);
      return flush.promise;
    },
    connected: () => true,
    onConnectionChange: () => {},
  };
  return { bus, flushes, stops, serving: () => serving };
}

async function stage() {
  const owned = await ownedShard();
  owned.shard.revoke();
  const slow = slowBus();
  const service = new InventoryService(0, owned.shard, slow.bus);
  const win = () => owned.log.store({ subject: subjects.lock(owned.shard.name), payload: "{}" });
  return { ...slow, service, shard: owned.shard, win };
}

t.test("an acquisition that fails late leaves alone what was won since", async (t) => {
  const { service, shard, win, flushes, stops, serving } = await stage();
  const first = service.acquire(win());
  await turns();
  service.revoke();
  const second = service.acquire(win());
  await turns();
  flushes[1]?.resolve();
  await turns();
  flushes[0]?.reject(new Unavailable("too late"));
  await turns();
  for (const stop of stops) stop.resolve();
  await t.rejects(first);
  await second;
  t.ok(shard.open, "the second acquisition remains");
  t.equal(serving(), 1, "and serves, alone");
});

t.test("an acquisition that was lost before it was done serves nothing", async (t) => {
  const { service, shard, win, flushes, stops, serving } = await stage();
  const acquired = service.acquire(win());
  await turns();
  service.revoke();
  flushes[0]?.resolve();
  await turns();
  for (const stop of stops) stop.resolve();
  await t.rejects(acquired, /lost while it was being acquired/);
  t.notOk(shard.open);
  t.equal(serving(), 0);
});

t.test("a hand-over that ends late does not drain a newer acquisition", async (t) => {
  const { service, shard, win, flushes, stops } = await stage();
  const first = service.acquire(win());
  await turns();
  flushes[0]?.resolve();
  await first;
  const draining = service.drain();
  await turns();
  service.revoke();
  const second = service.acquire(win());
  for (const stop of stops) stop.resolve();
  await turns();
  flushes[1]?.resolve();
  await second;
  await draining;
  await turns();
  t.ok(shard.open);
});
