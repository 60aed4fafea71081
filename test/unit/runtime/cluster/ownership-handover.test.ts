/** Hand-overs that overlap, resources of several streams, and what is revoked when the time of a stop is over. */
import t from "tap";
import { stopping } from "../../../../src/runtime/limits.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { MemoryServer } from "../../../../src/adapters/memory/server.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { Ownership } from "../../../../src/runtime/cluster/ownership.ts";
import type { Presence } from "../../../../src/runtime/cluster/presence.ts";
import type { Journal } from "../../../../src/runtime/ports.ts";
import { FakeResource } from "./ownership-stage.ts";
import { silent } from "../commit/relay-stage.ts";

const NAME = "partition.0";
const LOCK = subjects.lock(NAME);

/** No write is ever answered. */
const unanswered = (journal: Journal): Journal => ({ ...journal, append: () => new Promise(() => {}) });

/** Node one alone; the test states which nodes are present. Every journal is a stream of its own with one resource. */
function handoverStage(wraps: readonly ((journal: Journal) => Journal)[]) {
  const clock = new VirtualClock();
  const server = new MemoryServer({ subjects, clock });
  const log = server.log("KV_ORDERS");
  const resources = wraps.map(
    (wrap, at) => new FakeResource(`partition.${at}`, wrap(memoryNode(server, "one").journal)),
  );
  let present = ["one"];
  const presence: Pick<Presence, "valid" | "present" | "isAlive" | "incompatible" | "moves"> = {
    valid: () => true,
    present: () => present,
    isAlive: (node) => present.includes(node),
    incompatible: () => new Map(),
    moves: () => new Map(),
  };
  let ids = 0;
  const ownership = new Ownership({
    subjects,
    clock,
    ids: { next: () => `id${++ids}` },
    log: silent,
    presence: presence as Presence,
    node: "one",
    boot: "boot1",
    resources,
    commitTimeoutMs: 100,
  });
  const until = async (reason: string, condition: () => boolean): Promise<void> => {
    if (!(await clock.advanceUntil(condition, 10_000))) throw new Error(`never happened: ${reason}`);
  };
  /** Lets time pass until the call has returned. */
  const done = async (call: Promise<void>): Promise<void> => {
    let returned = false;
    void call.finally(() => {
      returned = true;
    });
    await until("the call returned", () => returned);
  };
  return {
    clock,
    resources,
    until,
    ownership,
    start: () => done(ownership.start()),
    stop: () => done(ownership.stop()),
    /** From now on these nodes are present. */
    see: (nodes: string[]): void => {
      present = nodes;
      ownership.review();
    },
    revision: (): number => log.last(LOCK)?.sequence ?? 0,
    owner: (): string => (JSON.parse(log.last(LOCK)?.payload ?? "{}") as { node?: string }).node ?? "",
  };
}

t.test("a hand-over that ends late leaves a later hand-over of the same resource alone", async (t) => {
  const stage = handoverStage([(journal) => journal]);
  const { ownership, resources } = stage;
  const [resource] = resources;
  if (!resource) throw new Error("no resource");
  const holds = (): boolean => ownership.held().length === 1;
  const drains = (): number => resource.calls.filter((call) => call === "drain").length;
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await stage.start();
  await stage.until("one holds it", holds);
  const begun = stage.clock.monotonic();

  resource.draining = first.promise;
  stage.see(["two"]);
  t.equal(drains(), 1, "the first hand-over has begun");
  ownership.moved({ subject: LOCK, epoch: stage.revision() });
  stage.see(["one"]);
  await stage.until("one has claimed it again", holds);

  resource.draining = second.promise;
  stage.see(["two"]);
  t.equal(drains(), 2, "the second hand-over has begun");
  t.ok(stage.clock.monotonic() - begun < stopping.drainMs, "and the first is not over");
  const calls = resource.calls.length;
  first.resolve();
  await stage.clock.advance(100);
  t.same(resource.calls.slice(calls), [], "nothing is revoked while it drains");
  t.equal(stage.owner(), "one", "and its lock is not released");

  second.resolve();
  await stage.until("the lock is released", () => stage.owner() === "");
  t.same(resource.calls.slice(calls), ["revoke"]);
  await stage.stop();
});

t.test("a node watches the locks of every stream, and ends each watch when it stops", async (t) => {
  const watches: string[] = [];
  const watched =
    (stream: string) =>
    (journal: Journal): Journal => ({
      ...journal,
      consume: async (options, onMessage) => {
        const found = await journal.consume(options, onMessage);
        watches.push(`${stream} begins`);
        return {
          stop: async () => {
            watches.push(`${stream} ends`);
            await found.stop();
          },
        };
      },
    });
  const stage = handoverStage([watched("first"), watched("second")]);
  await stage.start();
  await stage.until("it holds both", () => stage.ownership.held().length === 2);
  t.same(watches, ["first begins", "second begins"]);
  await stage.stop();
  t.same(watches.slice(2), ["first ends", "second ends"]);
});

t.test("a resource whose claim has no answer is revoked when the time of the stop is over", async (t) => {
  const stage = handoverStage([unanswered]);
  await stage.start();
  await stage.clock.advance(10);
  const [resource] = stage.resources;
  t.same(resource?.calls, []);
  const from = stage.clock.monotonic();
  await stage.stop();
  t.equal(stage.clock.monotonic() - from, stopping.handOverMs - stopping.leaveMs);
  t.same(resource?.calls, ["revoke"]);
});
