/**
 * What is answered is stored: whatever a reply carries is, in the moment in which it is given, the state of a record
 * that the log has. Replies are audited where an owner gives them and where a caller gets them.
 */
import type { ActorReply, Actors, ParkedActors } from "../../src/runtime/actors.ts";
import type { Bus } from "../../src/runtime/ports.ts";
import { decodeReply, decodeRequest } from "../../src/runtime/routing/request-codec.ts";
import type { StockView } from "../../src/services/inventory/contract.ts";
import { textOf } from "./order-ledger.ts";
import type { Violations } from "./violations.ts";

/** What the log has at this moment. */
export type AuditedLog = {
  /** Undefined without a record. */
  order(id: string): { readonly records: readonly unknown[]; text(version: number): string } | undefined;
  /** By SKU, every stored stock. */
  readonly stocks: ReadonlyMap<string, readonly { readonly onHand: number; readonly reserved: number }[]>;
};

/** The newest version of an order that a caller had got when a request began; 0 for none. */
type Begun = number;

/** See the top of the file. */
export class ReplyAudit {
  /** Number of replies that were compared with the log. */
  count = 0;
  private readonly log: AuditedLog;
  private readonly violations: Violations;
  /** By order, the newest version that a caller has got. */
  private readonly told = new Map<string, number>();

  constructor(log: AuditedLog, violations: Violations) {
    this.log = log;
    this.violations = violations;
  }

  /** Call it when the request begins. */
  begin(order: string): Begun {
    return this.told.get(order) ?? 0;
  }

  /** @param where who gives or gets the reply. @param begun of the same request */
  check(where: string, order: string, what: string, reply: ActorReply, begun: Begun): void {
    const fault = (text: string): void =>
      this.violations.add(`${where}: ${what} of ${order} was answered ${reply.status}: ${text}`);
    if (reply.status === "not_found") {
      this.count++;
      // An acknowledgement may be in flight to the owner, so that the log alone says nothing.
      if (begun > 0) fault(`a caller had got version ${begun}`);
      if (what === "start") fault("a start finds the order or makes it");
    }
    if (!("snapshot" in reply)) return;
    this.count++;
    const { snapshot } = reply;
    const { version } = snapshot;
    const ledger = this.log.order(order);
    const records = ledger?.records.length ?? 0;
    if (version > records || !ledger) return fault(`version ${version}, and the log has ${records}`);
    if (textOf(snapshot) !== ledger.text(version))
      return fault(`version ${version} is another one in the log`);
    if (version < begun) fault(`version ${version}, after a caller had got ${begun}`);
  }

  /** A view of stock that a caller got. */
  checkStock(what: string, view: StockView): void {
    this.count++;
    const history = this.log.stocks.get(view.sku) ?? [];
    const isStored = history.some(
      ({ onHand, reserved }) => onHand === view.onHand && reserved === view.reserved,
    );
    if (!isStored)
      this.violations.add(
        `${what} of ${view.sku} was answered ${JSON.stringify(view)}: the log has no such stock`,
      );
  }

  /** The replies of an owner to other nodes: audited before they leave the node. */
  bus(node: string, bus: Bus): Bus {
    return {
      ...bus,
      serve: (subject, handler) =>
        bus.serve(subject, async (payload) => {
          const request = decodeRequest(payload);
          const begun = request && this.begin(request.actor);
          const answer = await handler(payload);
          if (request && begun !== undefined)
            this.check(`owner ${node}`, request.actor, request.op, decodeReply(answer), begun);
          return answer;
        }),
    };
  }

  /** The replies that the callers of a node get. */
  actors(node: string, actors: Actors & ParkedActors): Actors & ParkedActors {
    const audited = async (
      order: string,
      what: string,
      ask: () => Promise<ActorReply>,
    ): Promise<ActorReply> => {
      const begun = this.begin(order);
      const reply = await ask();
      this.check(`caller at ${node}`, order, what, reply, begun);
      if ("snapshot" in reply)
        this.told.set(order, Math.max(reply.snapshot.version, this.told.get(order) ?? 0));
      return reply;
    };
    return {
      start: (id, ...rest) => audited(id, "start", () => actors.start(id, ...rest)),
      command: (id, ...rest) => audited(id, "command", () => actors.command(id, ...rest)),
      read: (id) => audited(id, "read", () => actors.read(id)),
      resume: (id, how) => audited(id, "resume", () => actors.resume(id, how)),
      skip: (id, parking, how) => audited(id, "skip", () => actors.skip(id, parking, how)),
      predictResume: (id) => actors.predictResume(id),
      deliver: (...input) => actors.deliver(...input),
      list: () => actors.list(),
      find: (id) => actors.find(id),
      unreadable: () => actors.unreadable(),
    };
  }
}
