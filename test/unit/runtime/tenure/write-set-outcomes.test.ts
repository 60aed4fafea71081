/**
 * Every outcome of a write set, for every kind of work that waits for it: in the end each caller has one reply, no
 * inbox input is left, the checkpoint may pass them all, and nothing is applied twice or lost.
 */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import type { ActorDefinition } from "../../../../src/runtime/definition.ts";
import { diary, fixedDiary, notes, worked } from "./tenure-stage.ts";
import { type Hand, INFINITE, type How, outcomes, statuses, withDiary } from "./hand-stage.ts";

/** The end of a row: statuses of the replies in order, the notes and results in the log, whether it is parked. */
type End = {
  readonly replies?: readonly string[];
  readonly notes?: readonly string[];
  readonly worked?: readonly string[];
  readonly parked?: true;
};

type Work = {
  readonly definition?: () => ActorDefinition;
  /** Begins the work; then the write set whose outcome counts is submitted. Returns all replies. */
  readonly begin: (stage: Hand) => (readonly ActorReply[])[] | Promise<(readonly ActorReply[])[]>;
  /** A dropped one: decided again. `store`: the outbox refused it, its callers are answered at once. */
  readonly ends: Readonly<Record<"stored" | "dropped" | "store" | "refused", End>>;
};

const GENERATION = 2000;
const hanging = () => diary(() => new Promise(() => {}));
const working = (stage: Hand): void => {
  stage.command("work");
  stage.one("stored");
};
/** The replies to come of something that is asked and not dispatched. */
const replyOf = (promise: Promise<ActorReply>): ActorReply[] => {
  const replies: ActorReply[] = [];
  void promise.then((reply) => replies.push(reply));
  return replies;
};
const one = { notes: ["note.1"] } as const;
const both = { notes: ["note.1", "note.2"] } as const;
const PARKED = { parked: true } as const;

const works: Record<string, Work> = {
  "its own command": {
    begin: (stage) => [stage.command("note.1")],
    ends: {
      stored: { ...one, replies: ["ok"] },
      dropped: { ...one, replies: ["ok"] },
      store: { replies: ["storage_unavailable"] },
      refused: { replies: ["refused"] },
    },
  },
  "its own inbox input": {
    begin: (stage) => {
      stage.deliver("note.1");
      return [];
    },
    ends: { stored: one, dropped: one, store: one, refused: PARKED },
  },
  "its own outcome of an effect": {
    definition: hanging,
    begin: (stage) => {
      working(stage);
      stage.outcome("one", GENERATION);
      return [];
    },
    ends: {
      stored: { worked: ["one"] },
      dropped: { worked: ["one"] },
      store: { worked: ["one"] },
      refused: PARKED,
    },
  },
  "a later command": {
    begin: (stage) => [stage.command("note.1"), stage.command("note.2")],
    ends: {
      stored: { ...both, replies: ["ok", "ok"] },
      dropped: { ...both, replies: ["ok", "ok"] },
      store: { replies: ["storage_unavailable", "storage_unavailable"] },
      refused: { notes: ["note.2"], replies: ["refused", "ok"] },
    },
  },
  "a later inbox input": {
    begin: (stage) => {
      stage.deliver("note.1");
      stage.deliver("note.2");
      return [];
    },
    ends: { stored: both, dropped: both, store: both, refused: PARKED },
  },
  "an inbox input after a command": {
    begin: (stage) => {
      const replies = stage.command("note.1");
      stage.deliver("note.2");
      return [replies];
    },
    ends: {
      stored: { ...both, replies: ["ok"] },
      dropped: { ...both, replies: ["ok"] },
      store: { notes: ["note.2"], replies: ["storage_unavailable"] },
      refused: { notes: ["note.2"], replies: ["refused"] },
    },
  },
  "a later outcome of an effect": {
    definition: hanging,
    begin: (stage) => {
      working(stage);
      const replies = stage.command("note.1");
      stage.outcome("one", GENERATION);
      return [replies];
    },
    ends: {
      stored: { ...one, worked: ["one"], replies: ["ok"] },
      dropped: { ...one, worked: ["one"], replies: ["ok"] },
      store: { worked: ["one"], replies: ["storage_unavailable"] },
      refused: { worked: ["one"], replies: ["refused"] },
    },
  },
  "a command that wrote nothing": {
    begin: (stage) => [stage.command("note.1"), stage.command("stop")],
    ends: {
      stored: { ...one, replies: ["ok", "illegal"] },
      dropped: { ...one, replies: ["ok", "illegal"] },
      store: { replies: ["storage_unavailable", "storage_unavailable"] },
      refused: { replies: ["refused", "illegal"] },
    },
  },
  "an inbox input that wrote nothing": {
    begin: (stage) => {
      const replies = stage.command("note.1");
      stage.deliver("unknown");
      return [replies];
    },
    ends: {
      stored: { ...one, replies: ["ok"] },
      dropped: { ...one, replies: ["ok"] },
      store: { replies: ["storage_unavailable"] },
      refused: { replies: ["refused"] },
    },
  },
  "an inbox input that wrote nothing after another one": {
    begin: (stage) => {
      stage.deliver("note.1");
      stage.deliver("unknown");
      return [];
    },
    ends: { stored: one, dropped: one, store: one, refused: PARKED },
  },
  "an outcome of an effect that was applied before": {
    definition: hanging,
    begin: (stage) => {
      working(stage);
      stage.outcome("one", GENERATION);
      stage.outcome("two", GENERATION);
      return [];
    },
    ends: {
      stored: { worked: ["one"] },
      dropped: { worked: ["one"] },
      store: { worked: ["one"] },
      refused: PARKED,
    },
  },
  "a poisonous inbox input, and one after it": {
    begin: (stage) => {
      const replies = stage.command("note.1");
      stage.deliver("poison");
      stage.deliver("note.2");
      return [replies];
    },
    ends: {
      stored: { ...one, ...PARKED, replies: ["ok"] },
      // Decided again, the inputs of the inbox come first.
      dropped: { ...PARKED, replies: ["refused"] },
      store: { ...PARKED, replies: ["storage_unavailable"] },
      refused: { ...PARKED, replies: ["refused"] },
    },
  },
  "a poisonous command": {
    begin: (stage) => [stage.command("note.1"), stage.command("poison"), stage.command("note.2")],
    ends: {
      // The store's refusal of the first one also drops the third.
      stored: { ...both, replies: ["ok", "refused", "ok"] },
      dropped: { ...both, replies: ["ok", "refused", "ok"] },
      store: { replies: ["storage_unavailable", "storage_unavailable", "storage_unavailable"] },
      refused: { notes: ["note.2"], replies: ["refused", "refused", "ok"] },
    },
  },
  "a caller that waits for the actor to settle": {
    definition: () => ({
      ...hanging(),
      settled: ({ diary: state }) => state?.value === "idle",
    }),
    begin: (stage) => {
      const replies = stage.command("work", { waitMs: 60_000 });
      stage.one("stored");
      if (replies.length > 0) throw new Error("the caller does not wait");
      stage.outcome("one", GENERATION);
      return [replies];
    },
    ends: {
      stored: { worked: ["one"], replies: ["ok"] },
      dropped: { worked: ["one"], replies: ["ok"] },
      store: { worked: ["one"], replies: ["ok"] },
      refused: { ...PARKED, replies: ["ok"] },
    },
  },
  "inputs that waited for a load": {
    begin: async (stage) => {
      stage.next();
      const replies = [stage.command("note.1"), stage.command("stop")];
      stage.deliver("note.2");
      await stage.clock.advance(1);
      return replies;
    },
    ends: {
      stored: { ...both, replies: ["ok", "illegal"] },
      dropped: { ...both, replies: ["ok", "illegal"] },
      store: { notes: ["note.2"], replies: ["storage_unavailable", "storage_unavailable"] },
      refused: { notes: ["note.2"], replies: ["refused", "illegal"] },
    },
  },
  "reads that wait for a load": {
    begin: (stage) => {
      const replies = [stage.command("note.1")];
      // The outbox refuses the last write set alone, and the reads come before the load of the new activation.
      stage.deliver("note.2");
      stage.newest("store_unavailable");
      return [...replies, replyOf(stage.tenure.read("d")), replyOf(stage.tenure.read("d"))];
    },
    ends: {
      stored: { ...both, replies: ["ok", "ok", "ok"] },
      dropped: { notes: ["note.2", "note.1"], replies: ["ok", "ok", "ok"] },
      store: { notes: ["note.2"], replies: ["storage_unavailable", "ok", "ok"] },
      refused: { notes: ["note.2"], replies: ["refused", "ok", "ok"] },
    },
  },
  "an operator's resume": {
    definition: fixedDiary,
    begin: async (stage) => {
      stage.next();
      stage.park({});
      stage.deliver("note.1");
      const reply = replyOf(stage.tenure.resume("d"));
      await stage.clock.advance(1);
      return [reply];
    },
    ends: {
      stored: { ...one, replies: ["ok"] },
      dropped: { ...PARKED, replies: ["unavailable"] },
      store: { ...PARKED, replies: ["unavailable"] },
      refused: { ...PARKED, replies: ["refused"] },
    },
  },
  "an operator's skip": {
    begin: async (stage) => {
      stage.deliver("poison");
      await stage.clock.advance(1);
      stage.one("stored");
      await stage.clock.advance(1);
      stage.deliver("note.1");
      const { id } = JSON.parse(stage.log.all("orders.parked.0.d").at(-1)?.payload ?? "{}") as { id: string };
      const reply = replyOf(stage.tenure.skip("d", id));
      await stage.clock.advance(1);
      return [reply];
    },
    ends: {
      stored: { ...one, replies: ["ok"] },
      dropped: { ...PARKED, replies: ["unavailable"] },
      store: { ...PARKED, replies: ["unavailable"] },
      refused: { ...PARKED, replies: ["refused"] },
    },
  },
  "a parking, and inputs that wait for it": {
    begin: async (stage) => {
      stage.deliver("poison");
      stage.deliver("note.1");
      const replies = [stage.command("note.2")];
      await stage.clock.advance(1);
      if (stage.tenure.backlog() !== 2) throw new Error("the inputs do not wait for the parking");
      return replies;
    },
    ends: {
      stored: { ...PARKED, replies: ["refused"] },
      dropped: { ...PARKED, replies: ["refused"] },
      store: { ...PARKED, replies: ["refused"] },
      refused: { ...PARKED, replies: ["refused"] },
    },
  },
};

const endOf = (how: How): keyof Work["ends"] =>
  how === "fenced" || how === "lock_moved" ? "dropped" : how === "store_unavailable" ? "store" : how;

for (const [name, work] of Object.entries(works)) {
  for (const how of outcomes) {
    t.test(`${name}: every waiting part ends when the write set is ${how}`, async (t) => {
      const stage = withDiary(work.definition?.());
      const replies = await work.begin(stage);
      t.ok(stage.writeSets.length > 0, "a write set is submitted");
      const end = work.ends[endOf(how)];
      const idle = replyOf(stage.tenure.idle().then(() => ({ status: "not_found" })));
      stage.all(how);
      await stage.quiet();
      t.same(statuses(replies), end.replies ?? replies.map(() => ""), "each caller has its reply, once");
      t.equal(stage.tenure.backlog(), 0, "no inbox input is left");
      const { open, lagging } = stage.tenure.checkpoint(INFINITE);
      t.same(lagging, []);
      if (!end.parked) t.same(open.length, stage.generations().length, "open effects are listed");
      t.equal(stage.tenure.counts().parked, end.parked ? 1 : 0, "parked");
      const snapshot = stage.stored();
      if (!snapshot) throw new Error("no record");
      t.same(notes(snapshot), end.notes ?? [], "notes");
      t.same(worked(snapshot), end.worked ?? [], "results of effects");
      t.equal(idle.length, 1, "the tenure is idle");
    });
  }
}

t.test(
  "the checkpoint passes each inbox input with its own outcome, in every order of the outcomes",
  async (t) => {
    const stage = withDiary();
    const other = (type: string): number => stage.deliver(type, { actor: "e" });
    stage.start({ actor: "e" });
    stage.one("stored");
    const first = stage.deliver("note.1");
    const second = other("note.1");
    const third = stage.deliver("unknown");
    const through = (): number => stage.tenure.checkpoint(INFINITE).through;
    t.equal(through(), first - 1);
    stage.newest("stored");
    t.equal(through(), first - 1, "the later actor's input does not pass the earlier one");
    t.ok(second > first);
    stage.one("stored");
    t.equal(through(), third, "the third shares the outcome of the first");
  },
);

t.test("a new tenure has come as far as its lock entry", async (t) => {
  const stage = withDiary();
  const tenure = stage.next();
  t.equal(tenure.checkpoint(INFINITE).through, tenure.epoch);
  t.equal(tenure.checkpoint(3).through, 3, "and not further than its relay");
});
