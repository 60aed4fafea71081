/** How far a tenure has come in its inbox: the checkpoint never passes an input that is not done. */
import t from "tap";
import { InboxProgress } from "../../../../src/runtime/tenure/inbox-progress.ts";

const INFINITE = Number.POSITIVE_INFINITY;

t.test("a new tenure has come to its lock entry, and not further than its relay", async (t) => {
  const progress = new InboxProgress(100);
  t.equal(progress.resolvedThrough(INFINITE), 100);
  t.equal(progress.resolvedThrough(90), 90);
  t.equal(progress.backlog(), 0);
});

t.test("an input under way holds the progress just below it, whatever was seen after it", async (t) => {
  const progress = new InboxProgress(100);
  for (const sequence of [110, 120, 130]) progress.begin(sequence);
  progress.saw(140);
  t.equal(progress.resolvedThrough(INFINITE), 109);
  progress.done(120);
  t.equal(progress.resolvedThrough(INFINITE), 109, "a later one that is done does not count");
  progress.done(110);
  t.equal(progress.resolvedThrough(INFINITE), 129);
  progress.done(130);
  t.equal(progress.resolvedThrough(INFINITE), 140);
});

t.test("the lowest input under way holds the progress, in whatever order they came", async (t) => {
  const progress = new InboxProgress(100);
  for (const sequence of [120, 110, 130]) progress.begin(sequence);
  progress.saw(140);
  t.equal(progress.resolvedThrough(INFINITE), 109);
});

t.test("an input below the lock entry holds the progress too", async (t) => {
  const progress = new InboxProgress(100);
  progress.begin(50);
  t.equal(progress.resolvedThrough(INFINITE), 49);
  progress.done(50);
  t.equal(progress.resolvedThrough(INFINITE), 100);
});

t.test("what was seen never goes back", async (t) => {
  const progress = new InboxProgress(100);
  progress.saw(140);
  progress.saw(120);
  t.equal(progress.resolvedThrough(INFINITE), 140);
});

t.test("an input that is not of the inbox is not counted, neither begun nor done", async (t) => {
  const progress = new InboxProgress(100);
  progress.begin(0);
  t.equal(progress.backlog(), 0);
  progress.done(0);
  t.equal(progress.resolvedThrough(INFINITE), 100);
});

t.test("an input that is begun again, because it is decided again, counts once", async (t) => {
  const progress = new InboxProgress(100);
  progress.begin(110);
  progress.begin(110);
  t.equal(progress.backlog(), 1);
  progress.done(110);
  t.equal(progress.backlog(), 0);
});

t.test("a late input counts in the backlog and does not hold the progress", async (t) => {
  const progress = new InboxProgress(100);
  let done = 0;
  t.ok(progress.beginLate(50, () => done++));
  t.equal(progress.backlog(), 1);
  t.equal(progress.resolvedThrough(INFINITE), 100);
  progress.begin(50);
  t.equal(progress.backlog(), 1, "it is the same input");
  t.equal(progress.resolvedThrough(INFINITE), 100, "which the checkpoint has passed already");
  progress.done(50);
  progress.done(50);
  t.equal(done, 1);
  t.equal(progress.backlog(), 0);
});

t.test(
  "a late input that is under way already is not begun again, and its end is reported to all who ask",
  async (t) => {
    const progress = new InboxProgress(100);
    const done: string[] = [];
    progress.begin(110);
    t.notOk(progress.beginLate(110, () => void done.push("110")));
    t.ok(progress.beginLate(50, () => void done.push("50")));
    t.notOk(progress.beginLate(50, () => void done.push("50 again")));
    t.notOk(progress.beginLate(50, () => void done.push("50 once more")));
    t.same(done, []);
    progress.done(110);
    t.same(done, ["110"]);
    progress.done(50);
    progress.done(50);
    t.same(done, ["110", "50", "50 again", "50 once more"]);
    t.equal(progress.backlog(), 0);
  },
);
