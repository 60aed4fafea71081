import type { PredictedInput } from "../../../../src/runtime/actor/dry-run.ts";
import type {
  ActorReply,
  Actors,
  CommandOptions,
  DryRuns,
  StartOptions,
} from "../../../../src/runtime/actors.ts";
import type { OrderInput } from "../../../../machines/types.ts";
import { type Asked, askedOf, isOtherRequest } from "../../../../src/runtime/actor/input.ts";
import { OrderWorld } from "./order-world.ts";

/** The runtime in memory: orders by id, idempotent starts, effects carried out while a caller waits. */
export class ActorsModel implements Actors, DryRuns {
  /** What dry runs were asked for. */
  readonly tried: { readonly actor: string; readonly input: PredictedInput; readonly outputs?: object }[] =
    [];
  source: "owner" | "stored" = "owner";
  readonly worlds = new Map<string, OrderWorld>();
  readonly starts: { readonly actor: string; readonly input: object; readonly options: StartOptions }[] = [];
  readonly commandIds: string[] = [];
  /** Who sent each of the commands, and why. */
  readonly asked: Asked[] = [];
  /** Answers everything when set: the reply of an overloaded or ownerless partition. */
  failing: ActorReply | undefined;
  /** Called with every new order before it starts. */
  prepare: (world: OrderWorld) => void = () => {};
  private readonly requests = new Map<string, string | undefined>();

  async start(actor: string, input: object, options: StartOptions): Promise<ActorReply> {
    if (this.failing) return this.failing;
    this.starts.push({ actor, input, options });
    const known = this.worlds.get(actor);
    if (known && this.requests.get(actor) !== options.request) {
      const request = this.requests.get(actor);
      return { status: "request_mismatch", snapshot: { ...known.snapshot, ...(request && { request }) } };
    }
    const world = known ?? new OrderWorld(input as OrderInput);
    if (!known) {
      this.prepare(world);
      world.start();
      this.worlds.set(actor, world);
      this.requests.set(actor, options.request);
    }
    if (options.waitMs > 0) await world.performAll();
    return this.ok(world, known !== undefined);
  }

  async command(
    actor: string,
    machine: string,
    event: { readonly type: string },
    options: CommandOptions,
  ): Promise<ActorReply> {
    const world = this.worlds.get(actor);
    if (this.failing) return this.failing;
    if (!world) return { status: "not_found" };
    const { commandId, ifVersions } = options;
    const { snapshot } = world;
    if (snapshot.commands.includes(commandId)) return this.ok(world, true);
    if (snapshot.commands.some((one) => isOtherRequest(commandId, one)))
      return { status: "request_mismatch", snapshot };
    if (ifVersions?.includes(snapshot.version) === false) return { status: "version_changed", snapshot };
    this.commandIds.push(commandId);
    this.asked.push(askedOf(options));
    if (!world.command(machine, event, commandId)) return { status: "illegal", snapshot: world.snapshot };
    if (options.waitMs > 0) await world.settleCaller();
    return this.ok(world, false);
  }

  async read(actor: string): Promise<ActorReply> {
    if (this.failing) return this.failing;
    const world = this.worlds.get(actor);
    return world ? this.ok(world, false) : { status: "not_found" };
  }

  async dryRun(...[actor, input, options]: Parameters<DryRuns["dryRun"]>): ReturnType<DryRuns["dryRun"]> {
    this.tried.push({ actor, input, ...options });
    const { failing } = this;
    const known = this.worlds.get(actor);
    if (failing && !("snapshot" in failing) && failing.status !== "not_found")
      return { reply: failing, source: this.source };
    if (!known && input.kind !== "start") return { reply: { status: "not_found" }, source: this.source };
    // The worlds know no request: the model decides by it, as `start` does.
    if (known && input.kind === "start") {
      const request = this.requests.get(actor);
      const status = request === input.request ? "repeated" : "request_mismatch";
      const snapshot = { ...known.snapshot, ...(request && { request }) };
      return { reply: { status, snapshot }, source: this.source };
    }
    const world = known ?? new OrderWorld((input as { input: OrderInput }).input, { joins: false });
    return { reply: world.predict(input, options?.outputs), source: this.source };
  }

  async deliver(): Promise<never> {
    throw new Error("the order service delivers nothing");
  }

  private ok(world: OrderWorld, repeated: boolean): ActorReply {
    return { status: "ok", snapshot: world.snapshot, settled: world.settled, repeated };
  }
}
