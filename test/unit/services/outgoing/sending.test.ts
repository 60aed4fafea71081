/** Which endpoints the owner sends to: all of them, also beside one that cannot begin; none after its tenure. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type Journal, Unavailable } from "../../../../src/runtime/ports.ts";
import type { Deliveries } from "../../../../src/services/outgoing/deliveries.ts";
import type { Endpoint, Endpoints, EndpointSecrets } from "../../../../src/services/outgoing/endpoints.ts";
import { OutgoingTally } from "../../../../src/services/outgoing/outgoing-tally.ts";
import { WebhookSending } from "../../../../src/services/outgoing/sending.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";

const endpoint = (id: string, generation = 0): Endpoint => ({
  id,
  url: "https://shop.example.com/",
  types: [`${id}.type`],
  createdAt: "",
  secret: "",
  generation,
  from: [generation * 10],
});

const nothing = (): void => undefined;

function stage() {
  const clock = new VirtualClock();
  const state = { stored: [endpoint("a"), endpoint("b"), endpoint("c")], closed: ["b"], isAway: false };
  const followed: string[] = [];
  let changed = nothing;
  const endpoints = {
    all: async () => {
      if (state.isAway) throw new Unavailable("away");
      return state.stored;
    },
    progress: async ({ from }: Endpoint) => from,
    watch: async (onChange: () => void) => {
      changed = onChange;
      return { stop: async () => undefined };
    },
  } as unknown as Endpoints;
  const opened: string[] = [];
  const open = async ({ id }: Endpoint) => {
    opened.push(id);
    if (state.closed.includes(id)) throw new Error(`the secret of ${id} does not open`);
    return [{ secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }];
  };
  const consume: Journal["consume"] = async ({ filters, fromSequence }) => {
    const name = `${filters.join()} ${fromSequence}`;
    followed.push(name);
    return {
      stop: async () => {
        if (followed.includes(name)) followed.splice(followed.indexOf(name), 1);
      },
    };
  };
  const sending = new WebhookSending({
    lock: "",
    journal: {} as Journal,
    streams: [{ consume }],
    endpoints,
    secrets: { open } as unknown as EndpointSecrets,
    deliveries: {} as Deliveries,
    post: async () => ({ status: 204, error: null }),
    tally: new OutgoingTally(),
    clock,
    log: quietLog,
  });
  const follows = (): string[] => followed.map((name) => name.slice("orders.events.*.".length)).toSorted();
  return { clock, opened, sending, state, follows, change: () => changed() };
}

t.test("one endpoint that cannot begin does not keep the others, and is tried again", async (t) => {
  const { clock, follows, sending, state } = stage();
  await sending.acquire();
  await clock.advance(500);
  t.strictSame(follows(), ["a.type 1", "c.type 1"]);
  state.closed = [];
  await clock.advance(2_000);
  t.strictSame(follows(), ["a.type 1", "b.type 1", "c.type 1"]);
  const drained = sending.drain();
  await clock.advance(2_000);
  await drained;
  t.strictSame(follows(), []);
});

t.test("an endpoint with a new secret begins again with it", async (t) => {
  const { change, clock, opened, sending, state } = stage();
  await sending.acquire();
  await clock.advance(500);
  state.stored = state.stored.map((one) => (one.id === "a" ? { ...one, secret: "sealed anew" } : one));
  opened.length = 0;
  change();
  await clock.advance(500);
  t.strictSame(
    opened.filter((id) => !state.closed.includes(id)),
    ["a"],
  );
  const drained = sending.drain();
  await clock.advance(2_000);
  await drained;
});

t.test("a removed endpoint ends, and a replayed one begins again where it says", async (t) => {
  const { change, clock, follows, sending, state } = stage();
  state.closed = [];
  state.isAway = true;
  await sending.acquire();
  await clock.advance(3_000);
  t.strictSame(follows(), [], "nothing while the endpoints cannot be read");
  state.isAway = false;
  await clock.advance(2_000);
  t.equal(follows().length, 3);
  state.stored = [endpoint("a"), endpoint("c", 1)];
  change();
  await clock.advance(2_000);
  t.strictSame(follows(), ["a.type 1", "c.type 11"]);
  sending.revoke();
  await clock.advance(2_000);
  t.strictSame(follows(), [], "nothing after the lock is lost");
  change();
  await clock.advance(2_000);
  t.strictSame(follows(), [], "and no change brings it back");
});
