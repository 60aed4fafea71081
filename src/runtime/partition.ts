/**
 * A partition of actors as an owned resource: takes over, serves commands, follows the inbox, hands over.
 * Owns: the current tenure, its consumer and its floor entry.  Does not own: the lock.
 * Invariants
 *   P1. Commands are served only between the end of the replay and the loss of the lock.
 *   P2. The replay reads from the floor up to the lock entry of this very epoch: nothing older is missing then.
 * A crash leaves the floor entry and the stream behind; the next owner replays from there.
 */
import { subjects } from "../../config/subjects.ts";
import type { ActorReply } from "./actors.ts";
import type { Input } from "./cascade.ts";
import { unasked } from "./cell.ts";
import type { ActorRecord } from "./envelope.ts";
import { FloorEntry } from "./floor.ts";
import { pause } from "./pause.ts";
import { type Bucket, type Bus, type StoredMessage, type Subscription, Unavailable } from "./ports.ts";
import type { Relay } from "./relay.ts";
import type { OwnedResource } from "./resource.ts";
import { Tenure, type TenureOptions } from "./tenure.ts";
import { type ActorRequest, decodeRequest, encodeReply } from "./wire.ts";

export type PartitionOptions = TenureOptions & {
  readonly partition: number;
  readonly bus: Bus;
  readonly floors: Bucket;
  readonly relay: Relay;
  /** A reason not to take work now (deposed, disconnected, overloaded), or undefined. */
  readonly refusal: () => ActorReply | undefined;
  /** Inbox inputs under way at once; the consumer waits above. */
  readonly inboxBound: number;
};

/** An input read during the replay, for an actor whose state is not known yet. */
type Replayed = { readonly actor: string; readonly input: Input; readonly sequence: number };

const IDLE_LIMIT_MS = 5000;
const LOADS_AT_ONCE = 32;

export class Partition implements OwnedResource {
  readonly name: string;
  private readonly options: PartitionOptions;
  private tenure: Tenure | undefined;
  private floor: FloorEntry | undefined;
  /** What the last owner's floor said: still true, however little this one knows yet. */
  private floorThrough = 0;
  private subscriptions: Subscription[] = [];
  private open = false;

  constructor(options: PartitionOptions) {
    this.options = options;
    this.name = `partition.${options.partition}`;
  }

  /** The partition takes commands here and now. */
  isOpen(): boolean {
    return this.open;
  }

  /** Inbox inputs read and not yet evaluated. */
  lag(): number {
    return this.tenure?.backlog() ?? 0;
  }

  counts(): { readonly actors: number; readonly parked: number } {
    return this.tenure?.counts() ?? { actors: 0, parked: 0 };
  }

  async acquire(epoch: number): Promise<void> {
    this.revoke();
    const { partition, bus, floors, journal, log } = this.options;
    const tenure = new Tenure(this.options, partition, epoch);
    this.tenure = tenure;
    const { entry, floor } = await FloorEntry.claim(floors, this.name, epoch);
    const replay = await this.replay(floor.through + 1, epoch);
    if (this.tenure !== tenure) return;
    for (const [actor, sequence] of replay.records) tenure.knows(actor, sequence);
    const unfinished = [...new Set([...floor.open, ...replay.open])];
    for (let at = 0; at < unfinished.length; at += LOADS_AT_ONCE) {
      const some = unfinished.slice(at, at + LOADS_AT_ONCE);
      await Promise.all(some.map((actor) => tenure.resume(actor, replay.records.get(actor))));
      if (this.tenure !== tenure) return;
    }
    const inputs = [...replay.inputs];
    for (const actor of floor.parked ?? [])
      inputs.push(...(await this.skipped(tenure, actor, floor.through)));
    if (this.tenure !== tenure) return;
    for (const { actor, input, sequence } of inputs.toSorted((a, b) => a.sequence - b.sequence))
      tenure.dispatch(actor, unasked(input, sequence));
    const subscriptions: Subscription[] = [];
    try {
      subscriptions.push(
        await journal.consume(
          { filters: [subjects.inboxes(partition), subjects.fence(this.name)], fromSequence: epoch + 1 },
          (message) => this.follow(tenure, message),
        ),
      );
      subscriptions.push(
        await bus.serve(subjects.command(partition), (payload) => this.serve(tenure, payload)),
      );
      await bus.flush();
    } catch (error) {
      // What stays subscribed would answer beside the next owner, and perhaps before it.
      await stopAll(subscriptions);
      throw error;
    }
    if (this.tenure !== tenure) return await stopAll(subscriptions);
    this.floor = entry;
    this.floorThrough = floor.through;
    this.subscriptions = subscriptions;
    this.open = true;
    log.info(
      { partition, epoch, from: floor.through, replayed: replay.count, resumed: replay.open.length },
      "partition taken over",
    );
  }

  revoke(): void {
    this.open = false;
    this.tenure?.end();
    this.tenure = undefined;
    this.floor = undefined;
    for (const subscription of this.subscriptions.splice(0)) void subscription.stop();
  }

  async drain(): Promise<void> {
    const { tenure } = this;
    this.open = false;
    const subscriptions = this.subscriptions.splice(0);
    await stopAll(subscriptions);
    if (!tenure) return;
    await Promise.race([tenure.idle(), pause(this.options.clock, IDLE_LIMIT_MS)]);
    if (this.tenure === tenure) await this.writeFloor().catch(() => false);
    this.revoke();
  }

  /** Called about once a second. Refused or unanswered writes are repeated with the next call. */
  async writeFloor(): Promise<boolean> {
    const { tenure, floor } = this;
    if (!tenure || !floor) return false;
    const { through, open, parked } = tenure.floor(this.options.relay.settledThrough());
    const written = await floor.write(Math.max(through, this.floorThrough), open, parked);
    return written || (await floor.refresh());
  }

  /** A request of this node or of another one; the answer is always a value. */
  async handle(request: ActorRequest): Promise<ActorReply> {
    const { tenure } = this;
    if (!tenure || !this.open)
      return { status: "unavailable", reason: "this node does not own the partition" };
    return await this.answer(tenure, request);
  }

  private async serve(tenure: Tenure, payload: string): Promise<string> {
    return encodeReply(await this.answer(tenure, decodeRequest(payload)));
  }

  private async answer(tenure: Tenure, request: ActorRequest): Promise<ActorReply> {
    const refusal = this.options.refusal();
    if (refusal) return refusal;
    if (request.op === "read") {
      try {
        return await tenure.read(request.actor);
      } catch (error) {
        if (error instanceof Unavailable) return { status: "unavailable", reason: error.message };
        const reason = error instanceof Error ? error.message : String(error);
        return { status: "refused", code: "order_parked", reason };
      }
    }
    return await new Promise((reply) => {
      const input: Input =
        request.op === "start"
          ? {
              kind: "start",
              input: request.input,
              ...(request.request === undefined ? {} : { request: request.request }),
            }
          : {
              kind: "command",
              machine: request.machine,
              event: request.event,
              commandId: request.commandId,
            };
      const mayExist = request.op === "start" ? request.mayExist : true;
      tenure.dispatch(request.actor, {
        input,
        inbox: 0,
        waitMs: request.waitMs,
        mayExist,
        reply,
        attempts: 0,
      });
    });
  }

  private follow(tenure: Tenure, message: StoredMessage): void | Promise<void> {
    if (message.subject === subjects.fence(this.name)) {
      tenure.saw(message.sequence);
      return;
    }
    const read = this.readInput(message);
    if (read) tenure.dispatch(read.actor, unasked(read.input, message.sequence));
    tenure.saw(message.sequence);
    if (tenure.backlog() >= this.options.inboxBound) return this.untilBelow(tenure);
  }

  private async untilBelow(tenure: Tenure): Promise<void> {
    while (this.tenure === tenure && tenure.backlog() >= this.options.inboxBound) {
      await pause(this.options.clock, 5);
    }
  }

  private async replay(
    from: number,
    epoch: number,
  ): Promise<{ open: string[]; inputs: Replayed[]; records: Map<string, number>; count: number }> {
    const { partition, journal } = this.options;
    const lock = subjects.lock(this.name);
    const open = new Set<string>();
    const evaluated = new Map<string, number>();
    /** Where the last record of each actor stands. */
    const records = new Map<string, number>();
    let inputs: Replayed[] = [];
    let count = 0;
    let finished: (() => void) | undefined;
    const caughtUp = new Promise<void>((resolve) => {
      finished = resolve;
    });
    const subscription = await journal.consume(
      {
        filters: [subjects.records(partition), subjects.inboxes(partition), lock],
        // A deposed owner's floor may be ahead of the lock that it did not know of: the lock must come by.
        fromSequence: Math.min(from, epoch),
      },
      (message) => {
        if (message.sequence > epoch) return;
        if (message.subject === lock) {
          if (message.sequence === epoch) finished?.();
          return;
        }
        count++;
        if (message.subject.startsWith(subjects.record(partition, ""))) {
          const { actor, snapshot } = JSON.parse(message.payload) as ActorRecord;
          records.set(actor, message.sequence);
          if (snapshot.effects.length > 0) open.add(actor);
          else open.delete(actor);
          if (snapshot.inbox > 0) evaluated.set(actor, snapshot.inbox);
          return;
        }
        const read = this.readInput(message);
        if (read) inputs.push({ ...read, sequence: message.sequence });
      },
    );
    try {
      while (
        !(await Promise.race([caughtUp.then(() => true), pause(this.options.clock, 500).then(() => false)]))
      ) {
        if (this.tenure?.epoch !== epoch) break;
      }
    } finally {
      await subscription.stop();
    }
    inputs = inputs.filter(({ actor, sequence }) => sequence > (evaluated.get(actor) ?? 0));
    return { open: [...open], inputs, records, count };
  }

  /** Inputs of a parked actor that the floor has passed. @throws Unavailable */
  private async skipped(tenure: Tenure, actor: string, through: number): Promise<Replayed[]> {
    const evaluated = tenure.evaluated(actor);
    const inbox = await this.options.journal.readAll(subjects.inbox(this.options.partition, actor));
    const inputs: Replayed[] = [];
    for (const message of inbox) {
      if (message.sequence <= evaluated || message.sequence > through) continue;
      const read = this.readInput(message);
      if (read) inputs.push({ ...read, sequence: message.sequence });
    }
    return inputs;
  }

  /** Inbox messages come from schedules, webhooks and workers; what cannot be read is logged and passed over. */
  private readInput(message: StoredMessage): { readonly actor: string; readonly input: Input } | undefined {
    const actor = message.subject.slice(subjects.inbox(this.options.partition, "").length);
    try {
      const input = JSON.parse(message.payload) as Input;
      if (input.kind === "timer" || input.kind === "event") return { actor, input };
    } catch {
      // Falls through to the log line.
    }
    this.options.log.error({ sequence: message.sequence, actor }, "unreadable inbox message passed over");
    return undefined;
  }
}

async function stopAll(subscriptions: readonly Subscription[]): Promise<void> {
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
}
