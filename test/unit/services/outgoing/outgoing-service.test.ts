/** What is stored of an endpoint: its secret sealed, and how far it has come in its generation. */
import t from "tap";
import type { Bucket } from "../../../../src/runtime/ports.ts";
import { Deliveries } from "../../../../src/services/outgoing/deliveries.ts";
import { Endpoints, EndpointSecrets } from "../../../../src/services/outgoing/endpoints.ts";
import { OutgoingService } from "../../../../src/services/outgoing/outgoing-service.ts";
import { faultyBucket } from "../../../support/faults/faulty-bucket.ts";

function stage() {
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
  const service = new OutgoingService({
    endpoints,
    secrets,
    deliveries: new Deliveries({ ...bucket, put }, async () => []),
    post: async () => ({ status: 204, error: null }),
    streams: [7, 9].map((lastSequence) => ({
      state: async () => ({ id: "log", createdAt: 0, lastSequence, lastAt: 0 }),
    })),
    ids: { next: () => "n1" },
    random: (bytes) => Buffer.alloc(bytes, 3),
    now: () => 0,
    development: false,
  });
  return { endpoints, entries, faults, secrets, service };
}

const wanted = { url: "https://shop.example.com/hooks", types: ["order.confirmed"] };

t.test("a secret is stored sealed for its endpoint alone, and opens again", async (t) => {
  const { endpoints, entries, secrets, service } = stage();
  const made = await service.create(wanted);
  if (made.status !== "created") throw new Error(made.status);
  const stored = entries.get("endpoint.whe_n1")!.value;
  t.notMatch(stored, made.secret.slice("whsec_".length));
  const { endpoint } = (await endpoints.get("whe_n1"))!;
  t.equal(await secrets.open(endpoint), made.secret);
  await t.rejects(secrets.open({ ...endpoint, id: "whe_n2" }), { name: "Unopenable" });
  await t.rejects(secrets.open({ ...endpoint, secret: made.secret }), /no known form/u);
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
