/** Which writes share a batch, on a server that stores everything. */
import t from "tap";
import { groupedAppend } from "../../../src/adapters/nats/group-append.ts";
import { scriptedLink } from "./scripted-link.ts";

const many = (prefix: string, payload: string) =>
  Array.from({ length: 200 }, (_, n) => ({ subject: `${prefix}.${n}`, payload }));

t.test("a later write to a key never overtakes one that did not fit the group", async (t) => {
  let seen = 0;
  const scripted = scriptedLink(() => {
    const count = scripted.all.length - seen;
    seen = scripted.all.length;
    return { seq: seen, count };
  });
  const append = groupedAppend(scripted.link, 1_000, 0);
  const results = await Promise.all([
    append(many("first", "one")),
    append([...many("second", "two"), { subject: "key", payload: "earlier" }]),
    append([{ subject: "key", payload: "later" }]),
  ]);
  t.strictSame(
    results.map(({ status }) => status),
    ["stored", "stored", "stored"],
  );
  t.strictSame(
    scripted.all.filter(({ subject }) => subject === "key").map(({ body }) => body),
    ["earlier", "later"],
  );
});
