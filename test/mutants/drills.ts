/** Planted bugs of drills on the local cluster. */
import type { Mutant } from "./mutant.ts";

const drills = { file: "nodes/local/drills.ts", tests: ["test/unit/nodes/local/drills.test.ts"] };

export const drillMutants: readonly Mutant[] = [
  {
    id: "drills-frozen-for-good",
    does: "A frozen node goes on only when it is asked.",
    ...drills,
    find: "node.thaw = setTimeout(() => this.thaw(node), freezeMs);",
    replace: "node.thaw = setTimeout(() => {}, freezeMs);",
  },
  {
    id: "drills-signal-to-the-ended",
    does: "A process that has ended gets a signal: its id may be that of another process.",
    ...drills,
    find: "if (node.child.running()) act();",
    replace: "act();",
  },
  {
    id: "drills-frozen-after-resume",
    does: "A node that was resumed at once is frozen after that.",
    ...drills,
    find: 'node.until !== undefined && this.options.signal(node.child.pid, "SIGSTOP")',
    replace: 'this.options.signal(node.child.pid, "SIGSTOP")',
  },
  {
    id: "drills-start-of-the-running",
    does: "A node that runs is started once more.",
    ...drills,
    find: 'state === "ended" && !node.isStarting',
    replace: "!node.isStarting",
  },
  {
    id: "drills-for-other-machines",
    does: "Drills need no header: a page of another site can kill nodes.",
    file: "src/http/dev/routes.ts",
    find: "drillRoutes(app, dev, { headers, onRequest: localOnly });",
    replace: "drillRoutes(app, dev, { headers, onRequest: async () => {} });",
    tests: ["test/integration/http/dev.test.ts"],
  },
  {
    id: "drills-gateway-fails-on",
    does: "The gateway simulator fails after the time is over.",
    file: "nodes/gateway/outage.ts",
    find: "now() >= fault.until ||",
    replace: "fault.until === 0 ||",
    tests: ["test/unit/nodes/gateway-outage.test.ts"],
  },
];
