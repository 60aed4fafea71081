/**
 * Three order nodes, their server, gateway and mail server in memory, on a virtual clock. Every node that dies starts
 * again with its disk a while later. The same story gives the same run, up to the crash.
 * Owns: the nodes and their surroundings.  Does not own: what happens (crash-story.ts), what must be true
 * (crash-audit.ts).
 */
import { INVOICE_NUMBERS } from "../../../src/services/invoice/subjects.ts";
import { subjects } from "../../../src/services/subjects.ts";
import { UNMATCHED } from "../../../src/services/webhooks/subjects.ts";
import { memoryNode } from "../../../src/adapters/memory/connection.ts";
import { VirtualClock } from "../../../src/adapters/memory/virtual-clock.ts";
import { memoryDocuments } from "../../../src/adapters/memory/documents.ts";
import { memoryOutbox, type MemoryOutbox } from "../../../src/adapters/memory/outbox.ts";
import { type Fault, MemoryServer, type Operation } from "../../../src/adapters/memory/server.ts";
import { MemoryWorkQueues } from "../../../src/adapters/memory/work-queue.ts";
import type { Failpoint } from "../../../src/runtime/failpoints.ts";
import type { Log } from "../../../src/runtime/ports.ts";
import type { Work } from "../../../src/runtime/workers/worker.ts";
import { GatewayModel } from "../services/orders/gateway-model.ts";
import { KEY_BUCKETS } from "./crash-keys.ts";
import { type CrashNode, crashNode } from "./crash-node.ts";

/** Ends the process that makes the `hit`th hit of this failpoint over all processes, counted from 1. */
export type CrashPlan = {
  readonly point: Failpoint;
  readonly when: "before" | "after";
  readonly hit: number;
};

export const NAMES = ["one", "two", "three"] as const;
export type Name = (typeof NAMES)[number];
export const PARTITIONS = 4;
/** Longer than the other nodes take to count a node as gone. */
const RESTART_MS = 4000;
/** Ten seconds before a year ends, so that a run issues the last invoices of that year and the first of the next. */
const BEGIN_MS = Date.UTC(2026, 11, 31, 23, 59, 50);

/** Declines by token, as the simulator does. */
class Gateway extends GatewayModel {
  override authorize(...[request, call]: Parameters<GatewayModel["authorize"]>) {
    this.declines = request.token === "tok_declined";
    return super.authorize(request, call);
  }
}

export class CrashWorld {
  readonly clock = new VirtualClock(BEGIN_MS);
  readonly server: MemoryServer;
  readonly gateway = new Gateway(() => this.clock.now());
  readonly queues: MemoryWorkQueues;
  readonly documents = memoryDocuments();
  /** Mails by the event they are about. */
  readonly mails = new Map<string, number>();
  /** How often each side of each failpoint was reached. */
  readonly hits = new Map<string, number>();
  /** The process that died by the plan. */
  crashed: { readonly name: string; readonly atMs: number } | undefined;
  readonly running = new Map<Name, CrashNode>();
  /** Faults that the story injects, off at its end. */
  trouble: (operation: Operation) => Fault | undefined = () => undefined;
  losesAnswer: (kind: string, orderId: string) => boolean = () => false;
  mail: Work = () => Promise.resolve();
  private readonly plan: CrashPlan | undefined;
  private readonly log: Log;
  private readonly disks = new Map<Name, MemoryOutbox>();
  private ids = 0;

  constructor(plan: CrashPlan | undefined, log: Log) {
    this.plan = plan;
    this.log = log;
    this.server = new MemoryServer({
      subjects,
      buckets: [INVOICE_NUMBERS, ...KEY_BUCKETS, ...Object.values(UNMATCHED)],
      clock: this.clock,
      latencyMs: () => 1,
      bucketAgeMs: { NODES: 3000 },
      faults: (operation) => this.trouble(operation),
    });
    this.queues = new MemoryWorkQueues(memoryNode(this.server, "queues").journal, this.clock);
  }

  /** Begins to start a process; it is in `running` when it takes part. */
  boot(name: Name): void {
    const disk = this.disks.get(name) ?? memoryOutbox();
    this.disks.set(name, disk);
    const { clock, server, log, gateway, queues, documents } = this;
    const node = crashNode(
      {
        server,
        clock,
        log,
        gateway,
        queues,
        documents,
        ids: { next: () => `id${++this.ids}` },
        partitions: PARTITIONS,
        losesAnswer: (kind, orderId) => this.losesAnswer(kind, orderId),
        mail: async (event, context) => {
          await this.mail(event, context);
          this.mails.set(event.id, (this.mails.get(event.id) ?? 0) + 1);
        },
      },
      name,
      clock.process(),
      disk,
      (victim, point, when) => this.reached(victim, point, when),
    );
    node.start().then(
      () => node.alive() && this.running.set(name, node),
      () => this.end(name, node),
    );
  }

  /** The process dies, and is started again later. */
  end(name: Name, node: CrashNode | undefined = this.running.get(name)): void {
    if (!node?.alive()) return;
    node.kill();
    if (this.running.get(name) === node) this.running.delete(name);
    this.clock.after(RESTART_MS, () => this.boot(name));
  }

  /** The process shuts down, and is started again later. */
  leave(name: Name): void {
    const node = this.running.get(name);
    if (!node) return;
    this.running.delete(name);
    // It may have died meanwhile, and may be running again.
    const left = (): void => this.end(name, node);
    node.stop().then(left, left);
  }

  /** The next node to ask, each in turn. */
  someNode(turn: number): CrashNode | undefined {
    const nodes = [...this.running.values()];
    return nodes[turn % nodes.length];
  }

  /** No node can write its outbox for a while. */
  fillDisks(ms: number): void {
    for (const disk of this.disks.values()) disk.failWith("disk full");
    this.clock.after(ms, () => {
      for (const disk of this.disks.values()) disk.failWith(undefined);
    });
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(ms, resolve);
    });
  }

  /** The answer that a caller receives: none from a process that died first. */
  async ask<T>(node: CrashNode, asked: Promise<T>, limitMs = 4000): Promise<T | undefined> {
    const answer = await Promise.race([
      asked.then(
        (value) => ({ value }),
        () => undefined,
      ),
      this.pause(limitMs).then(() => undefined),
    ]);
    return node.alive() ? answer?.value : undefined;
  }

  private reached(node: CrashNode, point: Failpoint, when: "before" | "after"): void {
    const place = `${point} ${when}`;
    const count = (this.hits.get(place) ?? 0) + 1;
    this.hits.set(place, count);
    const { plan } = this;
    if (this.crashed || !plan || plan.point !== point || plan.when !== when || plan.hit !== count) return;
    this.crashed = { name: node.name, atMs: this.clock.monotonic() };
    this.end(node.name as Name, node);
  }
}
