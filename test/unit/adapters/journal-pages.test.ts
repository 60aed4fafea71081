/** A list of subjects that comes in several pages: each may be answered by another leader. */
import t from "tap";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import { ReplicaLagging } from "../../../src/runtime/ports.ts";
import { type Sent, scriptedLink } from "./scripted-link.ts";

/** The journal of a stream with the subjects a, b and c, listed in two pages; and what their leaders have reached. */
function inTwoPages(reaches: readonly [number, number]) {
  const pageOf = ({ body }: Sent) =>
    (body as { offset: number }).offset === 0
      ? { total: 3, state: { last_seq: reaches[0], subjects: { a: 1, b: 1 } } }
      : { total: 3, state: { last_seq: reaches[1], subjects: { c: 1 } } };
  const { link } = scriptedLink((sent) => {
    if (sent.subject.includes("STREAM.INFO")) return pageOf(sent);
    const subject = (sent.body as { last_by_subj: string }).last_by_subj;
    return { message: { subject, seq: 7, time: "2026-01-01T00:00:00Z" } };
  });
  return natsJournal(link, "ORDERS");
}

t.test("every page of a list must come from a leader that has reached the requested point", async (t) => {
  const found = await inTwoPages([95, 95]).readLastPerSubject(">", 95);
  t.strictSame(
    found.map(({ subject }) => subject),
    ["a", "b", "c"],
  );
  await t.rejects(inTwoPages([94, 95]).readLastPerSubject(">", 95), ReplicaLagging, "the first page is old");
  await t.rejects(inTwoPages([95, 94]).readLastPerSubject(">", 95), ReplicaLagging, "the second page is old");
});
