/** Mails that wait for a place among those that are sent. */
import t from "tap";
import { MailPlaces } from "../../../src/services/email/mail-places.ts";

const LONG_MS = 60_000;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sends that end when the test says so. */
function startSends(places: MailPlaces) {
  const started: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  return {
    started,
    send: (name: string, signal?: AbortSignal) => {
      const end = Promise.withResolvers<void>();
      ends.set(name, end);
      const send = () => {
        started.push(name);
        return end.promise;
      };
      return places.within(send, signal);
    },
    end: (name: string) => ends.get(name)?.resolve(),
    fail: (name: string) => ends.get(name)?.reject(new Error(`${name} failed`)),
  };
}

t.test("as many mails are sent at once as there are places, the others in their order", async (t) => {
  const { started, send, end, fail } = startSends(new MailPlaces(2, LONG_MS));
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => send(name));
  await settled();
  t.same(started, ["a", "b"]);
  fail("b");
  await t.rejects(b!, /b failed/u);
  await settled();
  t.same(started, ["a", "b", "c"], "a mail that failed leaves its place");
  end("a");
  await a;
  end("c");
  await c;
  await settled();
  t.same(started, ["a", "b", "c", "d"]);
  end("d");
  await d;
  const [e, f] = ["e", "f"].map((name) => send(name));
  await settled();
  t.same(started.slice(4), ["e", "f"], "all places are free again");
  end("e");
  end("f");
  await Promise.all([e, f]);
});

t.test("a mail without a place in time fails, and is not sent later", async (t) => {
  const { started, send, end } = startSends(new MailPlaces(1, 20));
  const first = send("a");
  await t.rejects(send("b"), /no connection to the mail server was free within 20 ms/u);
  end("a");
  await first;
  const next = send("c");
  await settled();
  t.same(started, ["a", "c"]);
  end("c");
  await next;
});

t.test("a mail whose attempt is aborted while it waits is never sent", async (t) => {
  const { started, send, end } = startSends(new MailPlaces(1, LONG_MS));
  const abort = new AbortController();
  const first = send("a");
  const second = send("b", abort.signal);
  const third = send("c");
  const failed: string[] = [];
  second.catch((error: Error) => failed.push(error.message));
  abort.abort(new Error("the worker stops"));
  send("d", abort.signal).catch((error: Error) => failed.push(error.message));
  await settled();
  t.same(failed, ["the worker stops", "the worker stops"]);
  end("a");
  await first;
  await settled();
  t.same(started, ["a", "c"], "the next one gets the place");
  for (const name of ["b", "c", "d"]) end(name);
  await third;
});
