/** Bounds on what waits: a request above the bound is refused at once, and nothing is written for it. */
import t from "tap";
import { limits } from "../../../../src/runtime/limits.ts";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { AdmissionControl } from "../../../../src/runtime/routing/admission-control.ts";
import { memoryCluster } from "../memory-cluster.ts";
import { diary, notes, NOW, record } from "../tenure/tenure-stage.ts";

const stall = ({ kind, subject }: { readonly kind: string; readonly subject: string }) =>
  kind === "append" && subject === record("d") ? ({ lose: "request" } as const) : undefined;

const note = (n: number) =>
  [{ type: `note.${n}` }, { commandId: `c${n}`, waitMs: 0 }] as const satisfies [object, object];

t.test("callers are counted until they are answered, also when serving them fails", async (t) => {
  const admission = new AdmissionControl({ perActor: 2, inAll: 3 });
  const ends: (() => void)[] = [];
  const serve = (): Promise<ActorReply> =>
    new Promise((resolve) => ends.push(() => resolve({ status: "not_found" })));
  const waiting = ["a", "a", "b"].map((actor) => admission.admit(actor, serve));
  t.equal((await admission.admit("a", serve)).status, "overloaded", "this actor has enough");
  t.equal((await admission.admit("c", serve)).status, "overloaded", "there are enough in all");
  for (const end of ends) end();
  await Promise.all(waiting);
  await t.rejects(admission.admit("a", () => Promise.reject(new Error("broken"))));
  t.equal(admission.count, 0);
});

t.test(
  "exactly as many callers are admitted as the bounds say, and one more for each that ends",
  async (t) => {
    const admission = new AdmissionControl({ perActor: 2, inAll: 3 });
    const ends: (() => void)[] = [];
    let served = 0;
    const serve = (): Promise<ActorReply> => {
      served++;
      return new Promise((resolve) => ends.push(() => resolve({ status: "not_found" })));
    };
    const ask = async (actor: string): Promise<string> => (await admission.admit(actor, serve)).status;
    const first = ask("a");
    const second = ask("a");
    t.equal(admission.count, 2);
    t.equal(await ask("a"), "overloaded");
    t.equal(served, 2, "who is refused is not served");
    t.equal(admission.count, 2, "nor counted");
    ends[0]?.();
    t.equal(await first, "not_found");
    const third = ask("a");
    t.equal(served, 3, "one of the actor has ended, so there is room for one");
    t.equal(await ask("a"), "overloaded");
    const fourth = ask("b");
    t.equal(served, 4, "the bound of all is reached with it");
    t.equal(await ask("c"), "overloaded");
    for (const end of ends) end();
    await Promise.all([second, third, fourth]);
    t.equal(admission.count, 0);
    const again = [ask("a"), ask("a"), ask("b")];
    t.equal(served, 7, "and everything is free again");
    for (const end of ends) end();
    await Promise.all(again);
  },
);

t.test(
  "an order that cannot be committed takes a bounded number of callers, and loses none of them",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const one = await cluster.start("one", diary());
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    cluster.faults.push(stall);
    const replies: ActorReply[] = [];
    for (let n = 0; n < 2000; n++) {
      void one.actors.command("d", "diary", ...note(n)).then((reply) => replies.push(reply));
    }
    await cluster.clock.advance(200);
    t.equal(replies.length, 2000 - limits.mailboxInputs);
    t.ok(replies.every(({ status }) => status === "overloaded"));
    t.equal(one.node.status().relay.depth, limits.mailboxInputs);
    cluster.faults.length = 0;
    await cluster.until("every caller is answered", () => replies.length === 2000);
    const done = replies.filter(({ status }) => status === "ok").length;
    t.equal(done, limits.mailboxInputs);
    const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
    t.equal(notes(snapshot).length, done, "who was refused changed nothing");
    t.equal(new Set(notes(snapshot)).size, done, "no note was applied twice");
  },
);

t.test(
  "a node with as many effects under way as it may have starts no order, and goes on with those it has",
  async (t) => {
    const effectLimit = 3;
    const cluster = memoryCluster({ partitions: 1, effectLimit });
    const ends: (() => void)[] = [];
    const one = await cluster.start(
      "one",
      diary(({ key }) => new Promise((resolve) => ends.push(() => resolve(key)))),
    );
    await cluster.settled();
    const command = (actor: string, type: string) =>
      cluster.done(
        one.actors.command(actor, "diary", { type }, { commandId: `${actor}-${type}`, waitMs: 0 }),
      );
    for (let n = 0; n < effectLimit; n++) {
      t.equal((await cluster.done(one.actors.start(`d${n}`, {}, NOW))).status, "ok");
      t.equal((await command(`d${n}`, "work")).status, "ok");
    }
    await cluster.until("all effects are under way", () => ends.length === effectLimit);
    t.equal(one.node.status().effects, effectLimit);

    const refused = await cluster.done(one.actors.start("more", {}, NOW));
    t.same(refused, { status: "overloaded", retryAfterMs: 1000 });
    t.equal(cluster.records(0, "more").length, 0, "nothing was written");
    t.equal((await command("d0", "note.1")).status, "ok", "orders that are there take commands");
    cluster.inbox(0, "d0", "diary", "note.2", "e1");
    await cluster.until("and inputs", () => cluster.records(0, "d0").length === 4);
    t.equal((await cluster.done(one.actors.read("d1"))).status, "ok");

    ends[0]?.();
    await cluster.until("an effect has ended", () => one.node.status().effects < effectLimit);
    t.equal((await cluster.done(one.actors.start("more", {}, NOW))).status, "ok");
  },
);

t.test(
  "an acknowledged command is not answered as overloaded when a later try meets a full partition",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const unsettled = { ...diary(() => new Promise(() => {})), settled: () => false };
    const one = await cluster.start("one", unsettled);
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    const asked = one.actors.command("d", "diary", { type: "note.1" }, { commandId: "c1", waitMs: 4000 });
    await cluster.clock.advance(100);
    // Each of them waits for the actor to settle, as long as one try does.
    for (let n = 0; n < 3000; n++) {
      void one.actors.command("d", "diary", { type: "note.2" }, { commandId: "c2", waitMs: 10_000 });
    }
    t.equal((await cluster.done(asked)).status, "ok");
  },
);

t.test(
  "inbox inputs that cannot be committed stay in the stream, and all are applied in the end",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const one = await cluster.start("one", diary());
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    cluster.faults.push(({ kind, subject }) =>
      kind === "append" && subject === record("d") ? { lose: "request" } : undefined,
    );
    const count = 3 * limits.partitionInbox;
    for (let n = 0; n < count; n++) cluster.inbox(0, "d", "diary", `note.${n}`, `e${n}`);
    await cluster.clock.advance(1000);
    t.equal(one.node.status().partitions[0]?.lag, limits.partitionInbox, "the consumer has stopped reading");
    cluster.faults.length = 0;
    await cluster.clock.advance(10_000);
    const { snapshot } = cluster.ok(await cluster.done(one.actors.read("d")));
    t.same(
      notes(snapshot),
      Array.from({ length: count }, (_, n) => `note.${n}`),
    );
  },
);

t.test("reads of many orders wait in a queue, and none is lost", async (t) => {
  const cluster = memoryCluster({ partitions: 1, idleActors: 1 });
  const one = await cluster.start("one", diary());
  await cluster.settled();
  for (let n = 0; n < 100; n++) await cluster.done(one.actors.start(`d${n}`, {}, NOW));
  let under = 0;
  let most = 0;
  cluster.faults.push(({ kind }) => {
    if (kind !== "read") return undefined;
    most = Math.max(most, ++under);
    cluster.clock.after(10, () => under--);
    return { delayMs: 9 };
  });
  const replies = await cluster.done(
    Promise.all(Array.from({ length: 100 }, (_, n) => one.actors.read(`d${n}`))),
  );
  t.ok(replies.every(({ status }) => status === "ok"));
  t.ok(most > 1 && most <= 2 * limits.partitionLoads, `${most} at once`);
});
