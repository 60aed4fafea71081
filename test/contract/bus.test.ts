/** Request and reply between nodes, in memory and on real servers alike. */
import t from "tap";
import { Unavailable } from "../../src/runtime/ports.ts";
import { waitUntil } from "../support/wait-until.ts";
import { freshId } from "./expect.ts";
import { inEveryWorld } from "./worlds.ts";

await inEveryWorld(t, async (t, world) => {
  const asking = await world.join();
  const serving = await world.join();
  const ask = (subject: string, payload = "", timeoutMs = 2_000) =>
    asking.bus.request(subject, payload, timeoutMs);

  await t.test("a request that no node serves has no responders, at once", async (t) => {
    const startedAt = performance.now();
    t.strictSame(await ask(`cmd.${freshId()}`, "", 30_000), { status: "no_responders" });
    t.ok(performance.now() - startedAt < 5_000);
  });

  await t.test("a request is answered by the node that serves it", async (t) => {
    const subject = `cmd.${freshId()}`;
    const served = await serving.bus.serve(subject, async (payload) => `${payload} größe`);
    await serving.bus.flush();
    await waitUntil(
      "the servers know the subscription",
      async () => (await ask(subject)).status === "answered",
    );
    t.strictSame(await ask(subject, "ja"), { status: "answered", payload: "ja größe" });
    t.strictSame(await ask(subject, ""), { status: "answered", payload: " größe" });
    const many = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(subject, String(n))));
    t.strictSame(
      many.map((answer) => answer.status === "answered" && answer.payload),
      Array.from({ length: 100 }, (_, n) => `${n} größe`),
    );
    await served.stop();
  });

  await t.test("after it was stopped there are no responders", async (t) => {
    const subject = `cmd.${freshId()}`;
    const served = await serving.bus.serve(subject, async () => "x");
    await waitUntil("it serves", async () => (await ask(subject)).status === "answered");
    await served.stop();
    await serving.bus.flush();
    await waitUntil("it serves no more", async () => (await ask(subject)).status === "no_responders");
    t.pass();
  });

  await t.test("serving stops without leaving a request unanswered that the server had before", async (t) => {
    const subject = `cmd.${freshId()}`;
    const served = await serving.bus.serve(subject, async (payload) => payload);
    await waitUntil("it serves", async () => (await ask(subject)).status === "answered");
    // On the same connection, so it was certainly sent before.
    const asked = Array.from({ length: 20 }, (_, n) => serving.bus.request(subject, String(n), 1_000));
    await served.stop();
    const lost = (await Promise.all(asked)).filter(({ status }) => status === "unanswered");
    t.strictSame(lost, [], "answered, or certainly not received");
  });

  await t.test("a handler that takes too long leaves the request unanswered", async (t) => {
    const subject = `cmd.${freshId()}`;
    const never = Promise.withResolvers<string>();
    let taken = 0;
    const served = await serving.bus.serve(subject, async () => {
      taken++;
      return never.promise;
    });
    await waitUntil("it was taken", async () => {
      const answer = await ask(subject, "", 100);
      t.not(answer.status, "answered");
      return taken > 0 && answer.status === "unanswered";
    });
    never.resolve("too late");
    await served.stop();
  });

  await t.test("when the serving node has ended, there are no responders", async (t) => {
    const subject = `node.${freshId()}.ping`;
    const leaving = await world.join();
    await leaving.bus.serve(subject, async () => "pong");
    await waitUntil("it serves", async () => (await ask(subject)).status === "answered");
    await leaving.leave();
    await waitUntil("it is gone", async () => (await ask(subject)).status === "no_responders");
    t.notOk(leaving.bus.connected());
    t.equal((await leaving.bus.request(subject, "", 1_000)).status, "unanswered");
    await t.rejects(leaving.bus.flush(), Unavailable);
  });

  await t.test(
    "losing and regaining the connection is reported, and the subjects are served again",
    async (t) => {
      const subject = `cmd.${freshId()}`;
      const changes: boolean[] = [];
      serving.bus.onConnectionChange((connected) => changes.push(connected));
      await serving.bus.serve(subject, async () => "x");
      await waitUntil("it serves", async () => (await ask(subject)).status === "answered");
      await world.restart();
      await waitUntil("both are changes", () => changes.includes(false) && changes.at(-1) === true);
      t.ok(serving.bus.connected());
      await waitUntil("it serves again", async () => (await ask(subject)).status === "answered");
      t.strictSame(changes.slice(0, 2), [false, true]);
    },
  );
});
