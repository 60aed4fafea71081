/** Commands that are given twice: at the same time, later, and much later. */
import t from "tap";
import type { ActorReply } from "../../../../src/runtime/actors.ts";
import { CommandDedup } from "../../../../src/runtime/partition/command-dedup.ts";
import type { ActorRequest } from "../../../../src/runtime/routing/request-codec.ts";
import { snapshot } from "../tenure/activation-stage.ts";

const ok: ActorReply = { status: "ok", snapshot: snapshot(1), settled: true, repeated: false };
const unavailable: ActorReply = { status: "unavailable", reason: "not now" };
const command = (commandId: string, actor = "a"): ActorRequest => ({
  op: "command",
  actor,
  machine: "m",
  event: { type: "e" },
  commandId,
  waitMs: 0,
});

function stage(bound = 3) {
  const dedup = new CommandDedup(bound);
  const served: { readonly repeated: boolean; answer(reply: ActorReply): void; fail(): void }[] = [];
  return {
    served,
    join: (request: ActorRequest): Promise<ActorReply> =>
      dedup.join(
        request,
        (repeated) =>
          new Promise((resolve, reject) => {
            served.push({ repeated, answer: resolve, fail: () => reject(new Error("a fault")) });
          }),
      ),
    /** Serves a command with this reply; whether it counted as applied. */
    serve: async (request: ActorRequest, reply: ActorReply = ok): Promise<boolean> => {
      let last = false;
      await dedup.join(request, async (repeated) => {
        last = repeated;
        return reply;
      });
      return last;
    },
  };
}

t.test("a duplicate of a command under way gets its reply, and is not served", async (t) => {
  const { join, served } = stage();
  const first = join(command("c"));
  const second = join(command("c"));
  t.equal(served.length, 1);
  served[0]?.answer(ok);
  t.same([await first, await second], [ok, ok]);
});

t.test("the same id for another actor is another command, and another id for the same actor", async (t) => {
  const { join, served } = stage();
  void join(command("c", "a"));
  void join(command("c", "b"));
  void join(command("d", "a"));
  t.equal(served.length, 3);
});

t.test("a command that was applied is served as a repeat, one that failed anew", async (t) => {
  const { serve } = stage();
  t.equal(await serve(command("c")), false);
  t.equal(await serve(command("c")), true);
  for (const reply of [
    unavailable,
    { status: "not_found" } as const,
    { status: "overloaded", retryAfterMs: 1 } as const,
  ]) {
    await serve(command(reply.status), reply);
    t.equal(await serve(command(reply.status)), false, reply.status);
  }
});

t.test(
  "a command that fails with a fault is not under way any more, and counts as not applied",
  async (t) => {
    const { join, served } = stage();
    const first = join(command("c"));
    served[0]?.fail();
    await t.rejects(first);
    void join(command("c"));
    t.same(
      served.map(({ repeated }) => repeated),
      [false, false],
    );
  },
);

t.test("the oldest applied commands are forgotten, and exactly the bound is remembered", async (t) => {
  const { serve } = stage(3);
  for (const id of ["a", "b", "c"]) await serve(command(id));
  t.equal(await serve(command("a"), unavailable), true, "three are remembered");
  await serve(command("d"));
  t.equal(await serve(command("a"), unavailable), false, "the oldest one");
  for (const id of ["b", "c", "d"]) t.equal(await serve(command(id), unavailable), true, id);
});

t.test("other requests are always served, and are no repeats", async (t) => {
  const { join, served } = stage();
  const read: ActorRequest = { op: "read", actor: "a" };
  void join(read);
  void join(read);
  t.same(
    served.map(({ repeated }) => repeated),
    [false, false],
  );
});
