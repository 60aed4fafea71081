/** More planted bugs of the adapters for NATS: consumers, reads and groups, on a connection that a test answers. */
import type { Mutant } from "./mutant.ts";

const NATS = "src/adapters/nats";
const folder = "test/unit/adapters";

export const natsMutants: readonly Mutant[] = [
  {
    id: "adapters-successor-starts-after-furthest",
    does: "A worker's new consumer starts after the predecessor that has acknowledged most: events are lost.",
    file: `${NATS}/work-consumer.ts`,
    find: ": Math.min(...floors);",
    replace: ": Math.max(...floors);",
    tests: [`${folder}/work-consumer.test.ts`],
  },
  {
    id: "adapters-group-write-overtakes",
    does: "A later write to a key overtakes one that did not fit the group.",
    file: `${NATS}/group-append.ts`,
    find: "    for (const { subject } of write.messages) subjects.add(subject);\n",
    replace: "    if (fits) for (const { subject } of write.messages) subjects.add(subject);\n",
    tests: [`${folder}/group-append.test.ts`],
  },
  {
    id: "adapters-later-page-of-deposed-leader",
    does: "Only the first page of a list of subjects is checked for how far its leader's log reaches.",
    file: `${NATS}/journal.ts`,
    find: "if (reaches < through) throw",
    replace: "if (subjects.length === 0 && reaches < through) throw",
    tests: [`${folder}/journal-pages.test.ts`],
  },
  {
    id: "adapters-idle-worker-ends-with-connection",
    does: "An idle worker asks for no items on a new connection.",
    file: `${NATS}/pull-loop.ts`,
    find: "if (connected) this.fill();",
    replace: "if (connected && this.requests.size > 0) this.fill();",
    tests: [`${folder}/pull-loop.test.ts`],
  },
  {
    id: "adapters-places-lost-in-division",
    does: "A worker uses fewer places than it has when the streams do not divide them.",
    file: `${NATS}/work-queue.ts`,
    find: "Math.floor((places + streams - 1 - index) / streams)",
    replace: "Math.floor((places - index) / streams)",
    tests: [`${folder}/pull-loop.test.ts`],
  },
  {
    id: "adapters-consumer-trusts-last-heartbeat",
    does: "A fresh consumer begins after the last heartbeat, whose sequence a server that dies may give again.",
    file: `${NATS}/ordered-consumer.ts`,
    find: `    this.passed = Math.max(this.passed, this.reported);
    this.reported = Number(msg.headers?.get("Nats-Last-Stream") ?? 0);`,
    replace: `    this.reported = Number(msg.headers?.get("Nats-Last-Stream") ?? 0);
    this.passed = Math.max(this.passed, this.reported);`,
    tests: [`${folder}/ordered-consumer.test.ts`],
  },
  {
    id: "adapters-old-stream-stays-plain",
    does: "A stream that was made without compression never gets it.",
    file: `${NATS}/streams.ts`,
    find: 'compression === "s2" && (info',
    replace: 'compression === "none" && (info',
    tests: ["test/contract/streams.test.ts"],
  },
  {
    id: "adapters-failed-read-ends-its-group",
    does: "After a read that failed nothing is read any more.",
    file: `${NATS}/group-read.ts`,
    tests: [`${folder}/group-read.test.ts`],
    find: "read(subject).then(answer.resolve, answer.reject)",
    replace: "read(subject).then(answer.resolve)",
  },
  {
    id: "adapters-read-of-a-full-group-lost",
    does: "A read that is asked for while others are in flight is never sent.",
    file: `${NATS}/group-read.ts`,
    tests: [`${folder}/group-read.test.ts`],
    find: "    while (waiting.length > 0) {\n      const group = waiting;",
    replace: "    if (waiting.length > 0) {\n      const group = waiting;",
  },
];
