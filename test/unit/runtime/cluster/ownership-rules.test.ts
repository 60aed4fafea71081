/** When a lock is claimed, kept, lost and released: one rule at a time, on the entries themselves. */
import t from "tap";
import { subjects } from "../../../../src/services/subjects.ts";
import type { Journal, StoredMessage } from "../../../../src/runtime/ports.ts";
import { type OwnershipNode, ownershipStage } from "./ownership-stage.ts";

const NAME = "partition.0";
const LOCK = subjects.lock(NAME);
const MANY = Array.from({ length: 20 }, (_, i) => `partition.${i}`);

const holds = ({ ownership }: OwnershipNode): boolean => ownership.held().includes(NAME);

async function holder() {
  const stage = ownershipStage([NAME]);
  const node = await stage.node("one");
  await stage.until("held", () => holds(node));
  const [resource] = node.resources;
  if (!resource) throw new Error("no resource");
  return { stage, node, resource, epoch: stage.revision(NAME) };
}

/** Loses the lock, and has the next claim in flight, 60 ms late. @returns call it, and later claims are quick */
async function slowClaim({ stage, node, epoch }: Awaited<ReturnType<typeof holder>>): Promise<() => void> {
  let isSent = false;
  let isSlow = true;
  stage.faults.push(({ kind, subject }) => {
    if (!isSlow || kind !== "append" || subject !== LOCK) return undefined;
    isSent = true;
    return { delayMs: 60 };
  });
  node.ownership.moved({ subject: LOCK, epoch });
  await stage.until("the next claim is in flight", () => isSent);
  return () => {
    isSlow = false;
  };
}

t.test("a claim names its node, its process and itself, and a released lock names none", async (t) => {
  const { stage, node } = await holder();
  t.match(stage.entry(NAME), { node: "one", boot: node.boot, nonce: /^id/u });
  t.same(node.ownership.owners(), [{ resource: NAME, node: "one", epoch: stage.revision(NAME) }]);
  const stopped = node.ownership.stop();
  await stage.clock.advance(1000);
  await stopped;
  t.match(stage.entry(NAME), { node: "", boot: "" });
  t.same(node.ownership.owners(), [{ resource: NAME, node: "", epoch: stage.revision(NAME) }]);
});

t.test("every claim has a nonce of its own", async (t) => {
  const { stage, node, epoch } = await holder();
  node.ownership.moved({ subject: LOCK, epoch });
  await stage.until("claimed again", () => holds(node) && stage.revision(NAME) > epoch);
  const nonces = stage.history(NAME).map(({ nonce }) => nonce);
  t.equal(new Set(nonces).size, nonces.length);
});

t.test("an entry of this process that is not the claim in flight does not win the lock", async (t) => {
  const holding = await holder();
  const { stage, node, resource } = holding;
  const onlyThis = await slowClaim(holding);
  // An earlier claim of this process arrives late, while the next one is in flight.
  const late = stage.write(NAME, { node: "one", boot: node.boot, nonce: "an-earlier-one", since: "" });
  onlyThis();
  await stage.clock.advance(20);
  t.notOk(resource.calls.includes(`acquire ${late}`), "it is not this claim");
  await stage.until("claimed in the end", () => holds(node));
  t.ok(stage.revision(NAME) > late);
});

t.test("an entry of another process with the same nonce does not win the lock", async (t) => {
  const holding = await holder();
  const { stage, resource } = holding;
  const onlyThis = await slowClaim(holding);
  onlyThis();
  for (let n = 1; n < 20; n++) {
    const other = stage.write(NAME, { node: "one", boot: "another-boot", nonce: `id${n}`, since: "" });
    await stage.clock.advance(2);
    t.notOk(resource.calls.includes(`acquire ${other}`), `id${n}`);
  }
});

t.test("a claim whose answer was lost is found by reading, before the watch shows it", async (t) => {
  const stage = ownershipStage([NAME]);
  let readings = 0;
  const wrap = (journal: Journal): Journal => ({
    ...journal,
    readLast: (subject) => {
      readings++;
      return journal.readLast(subject);
    },
    consume: (options, onMessage) =>
      journal.consume(options, (message: StoredMessage) => {
        stage.clock.after(5000, () => void onMessage(message));
      }),
  });
  let lose = 1;
  stage.faults.push(({ kind, subject }) =>
    kind === "append" && subject === LOCK && lose-- > 0 ? { lose: "answer" } : undefined,
  );
  const node = await stage.node("one", wrap);
  await stage.until("held", () => holds(node), 1000);
  t.equal(readings, 1);
  t.equal(stage.history(NAME).length, 1, "no second claim");
});

t.test("news that is older than what the node knows changes nothing", async (t) => {
  const stage = ownershipStage([NAME]);
  const news: { message: StoredMessage; tell: (message: StoredMessage) => void }[] = [];
  const wrap = (journal: Journal): Journal => ({
    ...journal,
    consume: (options, onMessage) =>
      journal.consume(options, (message: StoredMessage) => {
        news.push({ message, tell: (again) => void onMessage(again) });
        return onMessage(message);
      }),
  });
  stage.write(NAME, { node: "gone", boot: "gone", nonce: "n", since: "" });
  const node = await stage.node("one", wrap);
  await stage.until("held", () => holds(node));
  await stage.clock.advance(10);
  const epoch = stage.revision(NAME);
  const tell = news.at(-1)?.tell;
  tell?.({
    subject: LOCK,
    sequence: epoch - 1,
    at: 0,
    headers: {},
    payload: '{"node":"x","boot":"y","nonce":"z"}',
  });
  tell?.({
    subject: LOCK,
    sequence: epoch,
    at: 0,
    headers: {},
    payload: '{"node":"x","boot":"y","nonce":"z"}',
  });
  await stage.clock.advance(10);
  t.ok(holds(node));
  t.same(node.resources[0]?.calls, [`acquire ${epoch}`]);
  t.match(node.ownership.owners(), [{ node: "one", epoch }]);
});

t.test("an entry of another node, and an unreadable one, end the tenure at once", async (t) => {
  for (const payload of ['{"node":"two","boot":"b","nonce":"n","since":""}', "", "{", '{"node":"one"}']) {
    const { stage, node, resource } = await holder();
    stage.server.log("KV_ORDERS").propose([{ subject: LOCK, payload }], () => {});
    await stage.until("lost", () => !holds(node), 10);
    t.equal(resource.open, false, payload);
    t.equal(resource.calls.at(-1), "revoke");
  }
});

t.test(
  "a lock whose entry is unreadable or deleted is held by no node, and is claimed at once",
  async (t) => {
    for (const payload of ["", "{", "[]", '{"node":7,"boot":"b","nonce":"n"}']) {
      const stage = ownershipStage([NAME]);
      stage.server.log("KV_ORDERS").propose([{ subject: LOCK, payload }], () => {});
      const node = await stage.node("one");
      await stage.until("held", () => holds(node), 100);
      t.ok(holds(node), payload);
    }
  },
);

t.test("the lock of an unknown process is taken one time to live after the node began to see", async (t) => {
  const stage = ownershipStage([NAME]);
  stage.write(NAME, { node: "gone", boot: "gone", nonce: "n", since: "" });
  const from = stage.clock.monotonic();
  const node = await stage.node("one");
  await stage.until("held", () => holds(node));
  const ms = stage.clock.monotonic() - from;
  t.ok(ms >= 2000 && ms <= 2500, `${ms} ms`);
});

t.test("the lock of an earlier process of this node is taken at once", async (t) => {
  const stage = ownershipStage([NAME]);
  stage.write(NAME, { node: "one", boot: "earlier", nonce: "n", since: "" });
  const from = stage.clock.monotonic();
  const node = await stage.node("one");
  await stage.until("held", () => holds(node));
  t.ok(stage.clock.monotonic() - from < 100);
});

t.test("a lock whose live owner is another node is left alone, whatever the assignment says", async (t) => {
  const stage = ownershipStage([NAME]);
  const one = await stage.node("one");
  const two = await stage.node("two");
  await stage.until("one of them has it", () => holds(one) || holds(two));
  const [owner, other] = holds(one) ? [one, two] : [two, one];
  // The assignment gives it to the other one, and the owner does not hand over: it does not drain.
  owner.resources[0]!.draining = new Promise(() => {});
  await stage.clock.advance(10_000);
  t.equal(stage.history(NAME).filter(({ node }) => node === other.name).length <= 1, true);
  stage.write(NAME, { node: owner.name, boot: owner.boot, nonce: "late", since: "" });
  const before = stage.revision(NAME);
  await stage.clock.advance(200);
  t.not(stage.entry(NAME)?.node === other.name && stage.revision(NAME) > before + 1, true);
});

t.test("a node whose presence has run out claims nothing and hands nothing over", async (t) => {
  const { stage, node, epoch } = await holder();
  stage.faults.push(({ kind }) => (kind === "bucket_write" ? { lose: "request" } : undefined));
  await stage.until("presence has run out", () => !node.presence.valid());
  node.ownership.moved({ subject: LOCK, epoch });
  t.notOk(holds(node));
  await stage.clock.advance(3000);
  t.equal(stage.revision(NAME), epoch, "no claim was sent");
  stage.faults.length = 0;
  await stage.until("it claims again", () => holds(node));
});

t.test(
  "at most eight resources are taken over at the same time, and a slow one delays only itself",
  async (t) => {
    const stage = ownershipStage(MANY);
    // The first node waits until the locks of a node that is gone are free: then all its takeovers begin.
    for (const name of MANY) stage.write(name, { node: "gone", boot: "gone", nonce: "n", since: "" });
    const node = await stage.node("one");
    let under = 0;
    let most = 0;
    const slow = Promise.withResolvers<void>();
    for (const [n, resource] of node.resources.entries()) {
      resource.acquisitions.push(async () => {
        most = Math.max(most, ++under);
        if (n === 0) await slow.promise;
        else await stage.clock.sleep(20);
        under--;
      });
    }
    await stage.until("all but one are held", () => node.ownership.held().length === MANY.length - 1);
    t.equal(most, 8);
    slow.resolve();
    await stage.until("all are held", () => node.ownership.held().length === MANY.length);
  },
);

t.test("a takeover that ends after its lock was lost does not count as held", async (t) => {
  const { stage, node, resource, epoch } = await holder();
  const work = Promise.withResolvers<void>();
  resource.acquisitions.push(() => work.promise);
  node.ownership.moved({ subject: LOCK, epoch });
  await stage.until("acquiring", () => resource.open);
  stage.write(NAME, { node: "two", boot: "b", nonce: "n", since: "" });
  await stage.until("lost", () => !resource.open);
  work.resolve();
  await stage.clock.advance(10);
  t.notOk(holds(node));
  t.same(node.ownership.owners(), [{ resource: NAME, node: "two", epoch: stage.revision(NAME) }]);
});

t.test("a failed takeover releases its lock, so that another node may try", async (t) => {
  const { stage, node, resource, epoch } = await holder();
  resource.acquisitions.push(() => Promise.reject(new Error("not now")));
  const before = stage.history(NAME).length;
  node.ownership.moved({ subject: LOCK, epoch });
  await stage.until("claimed again", () => holds(node));
  t.same(
    stage
      .history(NAME)
      .slice(before)
      .map((entry) => entry.node),
    ["one", "", "one"],
  );
});

t.test(
  "a resource is handed over to the node that should have it, drained and released in this order",
  async (t) => {
    const stage = ownershipStage(MANY);
    const one = await stage.node("one");
    await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
    const two = await stage.node("two");
    await stage.until("shared", () => two.ownership.held().length === MANY.length / 2);
    for (const name of two.ownership.held()) {
      const nodes = stage.history(name).map(({ node }) => node);
      t.same(nodes, ["one", "", "two"], name);
      const resource = one.resources.find((found) => found.name === name);
      t.same(resource?.calls.slice(1), ["drain", "revoke"], name);
    }
    t.same(
      two.ownership.held().filter((name) => one.ownership.held().includes(name)),
      [],
    );
  },
);

t.test("a resource that does not drain is closed before its lock is released", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  await stage.until("one holds all", () => one.ownership.held().length === MANY.length);
  for (const resource of one.resources) resource.draining = new Promise(() => {});
  await stage.node("two");
  const from = stage.clock.monotonic();
  const given = () => MANY.filter((name) => stage.entry(name)?.node !== "one");
  await stage.until("one resource is released", () => given().length === 1);
  t.ok(stage.clock.monotonic() - from >= 1900, "its time limit");
  const resource = one.resources.find(({ name }) => name === given()[0]);
  t.equal(resource?.open, false);
});

t.test("a node that leaves keeps what no other node can take, until it stops", async (t) => {
  const { stage, node, resource } = await holder();
  void node.presence.leave();
  await stage.clock.advance(5000);
  t.ok(holds(node) && resource.open, "no node is there to take it");
  t.same(resource.calls.length, 1);
});

t.test("a node that cannot host a resource any more hands it over to one that can", async (t) => {
  const stage = ownershipStage(MANY);
  const one = await stage.node("one");
  const two = await stage.node("two");
  await stage.until("shared", () => two.ownership.held().length === MANY.length / 2);
  const [name] = one.ownership.held();
  if (name === undefined) throw new Error("nothing is held");
  stage.unfit.set("one", [name]);
  await stage.until("the other one has it", () => two.ownership.held().includes(name));
  await stage.clock.advance(5000);
  t.ok(two.ownership.held().includes(name));
});

t.test(
  "a takeover that fails after its lock was lost and won again leaves the new epoch alone",
  async (t) => {
    const { stage, node, resource, epoch } = await holder();
    const stuck = Promise.withResolvers<void>();
    resource.acquisitions.push(() => stuck.promise);
    node.ownership.moved({ subject: LOCK, epoch });
    await stage.until("acquiring", () => resource.open);
    node.ownership.moved({ subject: LOCK, epoch: stage.revision(NAME) });
    await stage.until("held again", () => holds(node));
    const revision = stage.revision(NAME);
    const calls = [...resource.calls];
    stuck.reject(new Error("not now"));
    await stage.clock.advance(5000);
    t.equal(stage.revision(NAME), revision, "it is not released");
    t.same(resource.calls, calls, "nor closed");
  },
);
