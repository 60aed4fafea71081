/** Effects and commits: an effect runs after the commit that opened it is stored, and until its outcome is stored. */
import t from "tap";
import { memoryCluster } from "../memory-cluster.ts";
import { byHand, diary, NOW, worked } from "./tenure-stage.ts";

t.test("an effect starts only when the commit that opened it is stored", async (t) => {
  const calls: string[] = [];
  const { clock, writeSets, start, send, store } = await byHand(async ({ key }) => {
    calls.push(key);
    return key;
  });
  start();
  await store();
  send("work");
  await clock.advance(1000);
  t.same([writeSets.length, calls], [1, []], "decided, and not acknowledged");
  await store();
  await clock.advance(10);
  t.same(calls, ["d:diary.job:2000"]);
});

t.test(
  "an effect whose commit is dropped starts only with the commit of the repeated decision",
  async (t) => {
    const calls: string[] = [];
    const { clock, writeSets, start, send, store, drop } = await byHand(async ({ key }) => {
      calls.push(key);
      return key;
    });
    start();
    await store();
    send("work", 1);
    drop();
    await clock.advance(1000);
    t.same([writeSets.length, calls], [1, []], "decided again, and not acknowledged");
    await store();
    await clock.advance(10);
    t.same(calls, ["d:diary.job:2000"]);
  },
);

t.test(
  "an effect whose state was left is resumed by the next owner, and its outcome closes it",
  async (t) => {
    const cluster = memoryCluster({ partitions: 1 });
    const calls: [node: string, key: string, resumed: boolean][] = [];
    const one = await cluster.start(
      "one",
      diary(({ key, resumed }) => {
        calls.push(["one", key, resumed]);
        return new Promise(() => {});
      }),
    );
    await cluster.settled();
    await cluster.done(one.actors.start("d", {}, NOW));
    for (const type of ["work", "stop"])
      cluster.ok(
        await cluster.done(one.actors.command("d", "diary", { type }, { commandId: type, waitMs: 0 })),
      );
    await cluster.until("called", () => calls.length === 1);
    one.kill();
    const two = await cluster.start(
      "two",
      diary(async ({ key, resumed }) => {
        calls.push(["two", key, resumed]);
        return key;
      }),
    );
    await cluster.settled();
    await cluster.until("resumed", () => calls.length === 2);
    t.same(calls, [
      ["one", "d:diary.job:2000", false],
      ["two", "d:diary.job:2000", true],
    ]);
    const open = async (): Promise<number> => {
      const { snapshot } = cluster.ok(await cluster.done(two.actors.read("d")));
      t.same(worked(snapshot), [], "the machine that left the state does not take it for a result");
      return snapshot.effects.length;
    };
    await cluster.clock.advance(1000);
    t.equal(await open(), 0);
  },
);
