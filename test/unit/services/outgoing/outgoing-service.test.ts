/** What is stored of an endpoint: its secret sealed, and how far it has come in its generation. */
import t from "tap";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import { Deliveries } from "../../../../src/services/outgoing/deliveries.ts";
import { deliveryOf } from "../../../../src/services/outgoing/endpoint-sender.ts";
import { Endpoints, EndpointSecrets } from "../../../../src/services/outgoing/endpoints.ts";
import { OutgoingService } from "../../../../src/services/outgoing/outgoing-service.ts";
import { verifiedId } from "../../../../src/services/webhooks/signature.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

type Posted = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

const DAY_MS = 24 * 3_600_000;
const verified = (secret: string, { body, headers }: Posted, now: number): string | undefined =>
  verifiedId(secret, headers, Buffer.from(body), now);

function stage() {
  const state = { now: 0, drawn: 2, posted: [] as Posted[] };
  const { bucket, entries, faults } = faultyBucket();
  const put: Bucket["put"] = async (key, value) => {
    entries.set(key, { value, revision: 1_000 + entries.size });
    return 1;
  };
  const endpoints = new Endpoints({ ...bucket, put });
  const key = Buffer.alloc(32, 7);
  const secrets = new EndpointSecrets(
    { ofEntry: async () => key, ofExistingEntry: async () => key },
    (bytes) => Buffer.alloc(bytes, 9),
  );
  const deliveries = new Deliveries({ ...bucket, put }, async () => []);
  const service = new OutgoingService({
    endpoints,
    secrets,
    deliveries,
    post: async (_url, headers, body) => {
      state.posted.push({ headers, body });
      return { status: 204, error: null };
    },
    streams: [7, 9].map((lastSequence) => ({
      state: async () => ({ id: "log", createdAt: 0, lastSequence, lastAt: 0 }),
    })),
    ids: { next: () => "n1" },
    random: (bytes) => Buffer.alloc(bytes, ++state.drawn),
    now: () => state.now,
    development: false,
  });
  return { deliveries, endpoints, entries, faults, secrets, service, state };
}

const wanted = { url: "https://shop.example.com/hooks", types: ["order.confirmed"] };

t.test("a secret is stored sealed for its endpoint alone, and opens again", async (t) => {
  const { endpoints, entries, secrets, service } = stage();
  const made = await service.create(wanted);
  if (made.status !== "created") throw new Error(made.status);
  const stored = entries.get("endpoint.whe_n1")!.value;
  t.notMatch(stored, made.secret.slice("whsec_".length));
  const { endpoint } = (await endpoints.get("whe_n1"))!;
  t.strictSame(await secrets.open(endpoint), [{ secret: made.secret }]);
  await t.rejects(secrets.open({ ...endpoint, id: "whe_n2" }), { name: "Unopenable" });
  await t.rejects(secrets.open({ ...endpoint, secret: made.secret }), /no known form/u);
});

t.test("a rotated secret signs beside the one before for a day, and then alone", async (t) => {
  const { deliveries, endpoints, entries, faults, secrets, service, state } = stage();
  const event = {
    id: "ord_1.1.0",
    type: "order.confirmed",
    orderId: "ord_1",
    version: 1,
    sequence: 1,
    stream: 0,
  };
  const tried = { attempts: 1, error: null, state: "delivered", status: 204 } as const;
  await deliveries.put(
    "whe_n1",
    deliveryOf({ ...event, occurredAt: "1970-01-01T00:00:00.000Z" }, tried, 0, 0),
  );
  const made = await service.create(wanted);
  // Another node changes it at the same moment.
  faults.push("behind");
  const rotated = await service.rotate("whe_n1");
  if (made.status !== "created" || rotated.status !== "rotated") throw new Error("not rotated");
  t.not(rotated.secret, made.secret);
  t.equal(rotated.formerUntil, "1970-01-02T00:00:00.000Z");
  t.notMatch(entries.get("endpoint.whe_n1")!.value, rotated.secret.slice("whsec_".length));
  const sent = async (now: number) => {
    state.now = now;
    await service.replay("whe_n1", "ord_1.1.0");
    return state.posted.at(-1)!;
  };
  const soon = await sent(DAY_MS - 1);
  t.equal(verified(made.secret, soon, DAY_MS - 1), "ord_1.1.0");
  t.equal(verified(rotated.secret, soon, DAY_MS - 1), "ord_1.1.0");
  const later = await sent(DAY_MS);
  t.equal(verified(made.secret, later, DAY_MS), undefined);
  t.equal(verified(rotated.secret, later, DAY_MS), "ord_1.1.0");
  // A leaked secret is out after two rotations, however soon.
  await service.rotate("whe_n1");
  const again = await service.rotate("whe_n1");
  if (again.status !== "rotated") throw new Error("not rotated");
  const { endpoint } = (await endpoints.get("whe_n1"))!;
  const opened = (await secrets.open(endpoint)).map(({ secret }) => secret);
  t.equal(opened.length, 2);
  t.equal(opened[0], again.secret);
  t.notOk(opened.includes(rotated.secret));
  t.strictSame(await service.rotate("whe_n9"), { status: "not_found" });
  faults.push("lose-request");
  t.match(await service.rotate("whe_n1"), { status: "unavailable" });
});

t.test(
  "an endpoint begins at the end of each stream, and a replay where it says, once for each request",
  async (t) => {
    const { endpoints, faults, service } = stage();
    await service.create(wanted);
    const { endpoint } = (await endpoints.get("whe_n1"))!;
    t.strictSame(await endpoints.progress(endpoint), [7, 9]);
    await endpoints.advance("whe_n1", { generation: 0, positions: [20, 30] });
    t.strictSame(await endpoints.progress(endpoint), [20, 30]);
    // Another node changes it at the same moment.
    faults.push("behind");
    t.match(await service.replayFrom("whe_n1", 5), { status: "replaying" });
    const { endpoint: next } = (await endpoints.get("whe_n1"))!;
    t.equal(next.generation, 1);
    t.strictSame(await endpoints.progress(next), [4, 4]);
    t.strictSame(await service.replayFrom("whe_n9", 5), { status: "not_found" });
    faults.push("lose-request");
    t.match(await service.replayFrom("whe_n1", 5), { status: "unavailable" });
  },
);

t.test("an entry that cannot be read is no endpoint, and the others are", async (t) => {
  const { endpoints, entries, service } = stage();
  await service.create(wanted);
  entries.set("endpoint.whe_x", { value: '{"form":2}', revision: 90 });
  entries.set("endpoint.whe_y", { value: "no JSON", revision: 91 });
  t.strictSame(
    (await endpoints.all()).map(({ id }) => id),
    ["whe_n1"],
  );
  t.equal(await endpoints.get("whe_x"), undefined);
});
