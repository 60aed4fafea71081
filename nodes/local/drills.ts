/**
 * Drills on the order nodes of a local cluster: kill, freeze, resume, start.
 * Owns: which of its nodes are frozen.  Does not own: the processes (child.ts).
 * Invariants
 *   drills.D1. Only processes that this launcher started get a signal, and only while they run.
 *   drills.D2. A frozen process goes on after `freezeMs` at the latest, and before the cluster stops.
 * Proved by: test/unit/nodes/local/drills.test.ts, test/process/drills.test.ts
 * A launcher that is killed leaves what it froze frozen.
 */
import type { DrillAction, DrilledState, DrillResult } from "../../src/http/dev/dev-sources-port.ts";
import type { Child } from "./child.ts";

/** What drills need. */
export type DrillsOptions = {
  /** Starts the node again. Resolves when it is ready. */
  readonly start: (node: string) => Promise<Child>;
  readonly signal: (pid: number, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT") => void;
  readonly now: () => number;
  readonly freezeMs?: number;
};

type Node = { child: Child; thaw?: NodeJS.Timeout; until?: number; isStarting: boolean; isEnding: boolean };

const FREEZE_MS = 30_000;
/** The node that passes a drill on may be the one that is meant: its answer leaves first. */
const ANSWER_MS = 100;

/** See the top of the file. */
export class Drills {
  private readonly options: DrillsOptions;
  private readonly nodes = new Map<string, Node>();

  constructor(options: DrillsOptions) {
    this.options = options;
  }

  /** A node that runs. */
  add(child: Child): void {
    this.nodes.set(child.name, { child, isStarting: false, isEnding: false });
  }

  /** Does it, or says why not. A signal comes a moment after the answer. */
  async run(name: string, action: DrillAction): Promise<DrillResult> {
    const node = this.nodes.get(name);
    if (!node) return { status: "node_not_found" };
    const state = stateOf(node);
    const isPossible =
      action === "start"
        ? state === "ended" && !node.isStarting
        : action === "resume"
          ? state === "frozen"
          : action === "freeze"
            ? state === "running"
            : state !== "ended";
    if (!isPossible) return { status: "refused", state };
    if (action === "start") return await this.start(node, name);
    if (action === "kill") {
      node.isEnding = true;
      this.soon(node, () => this.options.signal(node.child.pid, "SIGKILL"));
    } else if (action === "freeze") {
      const { freezeMs = FREEZE_MS } = this.options;
      node.until = this.options.now() + freezeMs;
      node.thaw = setTimeout(() => this.thaw(node), freezeMs);
      this.soon(node, () => node.until !== undefined && this.options.signal(node.child.pid, "SIGSTOP"));
    } else this.thaw(node);
    return done(name, node);
  }

  /** Lets every frozen node go on: it can stop in order then. */
  thawAll(): void {
    for (const node of this.nodes.values()) this.thaw(node);
  }

  private async start(node: Node, name: string): Promise<DrillResult> {
    node.isStarting = true;
    try {
      const child = await this.options.start(name);
      this.add(child);
      return done(name, { child, isStarting: false, isEnding: false });
    } catch {
      // The launcher has reported why.
      return { status: "failed" };
    } finally {
      node.isStarting = false;
    }
  }

  private thaw(node: Node): void {
    if (node.until === undefined) return;
    clearTimeout(node.thaw);
    delete node.until;
    if (node.child.running()) this.options.signal(node.child.pid, "SIGCONT");
  }

  private soon(node: Node, act: () => void): void {
    setTimeout(() => {
      if (node.child.running()) act();
    }, ANSWER_MS);
  }
}

function stateOf({ child, isEnding, until }: Node): DrilledState {
  if (isEnding || !child.running()) return "ended";
  return until === undefined ? "running" : "frozen";
}

const done = (name: string, node: Node): DrillResult => ({
  status: "done",
  node: name,
  state: stateOf(node),
  until: node.until === undefined ? null : new Date(node.until).toISOString(),
});
