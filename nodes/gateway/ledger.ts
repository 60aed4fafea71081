/**
 * The ledger: operations by idempotency key, on top of the books and their file.
 * Owns: which keys were used, for what, and their stored results.  Does not own: HTTP, the tokens' behavior.
 * Invariants
 *   ledger.L1. An operation is in the file before it is in the books, and in the books before a client is answered.
 *   ledger.L2. A key counts once; with another request it is refused, whatever the outcome of the first.
 * Proved by: test/unit/nodes/gateway-ledger.test.ts, test/integration/nodes/gateway.test.ts
 */
import { hash } from "node:crypto";
import { LineFile } from "../simulators/line-file.ts";
import type { Refusal } from "../simulators/refusal.ts";
import { Books } from "./books.ts";
import type { Decision, Operation, OperationKind } from "./operation.ts";
import { type Choice, Pages } from "./pages.ts";

/**
 * One line of `GET /ledger`: an accepted operation that moved money, or a `lapse`: the part of an authorization that
 * was not captured in time.
 */
export type LedgerEntry = {
  readonly idempotencyKey: string;
  readonly orderId: string;
  readonly kind: OperationKind | "lapse";
  readonly amount: number;
  readonly currency: string;
  readonly at: string;
};

/** An idempotency key and the hash of its request. */
export type Attempt = { readonly key: string; readonly fingerprint: string };

/** Binds a key to the kind and the fields of its request. */
export function attempt(key: string, kind: Operation["kind"], fields: readonly unknown[]): Attempt {
  return { key, fingerprint: hash("sha256", JSON.stringify([kind, ...fields]), "base64url") };
}

/** The books, their file, and the keys; one per process and file. */
export class Ledger {
  readonly books = new Books();
  readonly pages = new Pages(this.books);
  private readonly operations = new Map<string, Operation>();
  private readonly file: LineFile<Operation>;
  private readonly now: () => number;

  /** Reads the whole file; see {@link LineFile} for the errors. `now`: ms since the epoch. */
  constructor(path: string, now: () => number) {
    this.now = now;
    this.file = new LineFile(path, "the ledger", (operation: Operation) => this.take(operation));
  }

  /** The operation stored under a key, also a declined one. */
  find(key: string): Operation | undefined {
    return this.operations.get(key);
  }

  /** The stored operation of a repeated key; a refusal when the key was used for another request. */
  repeated(attempt: Attempt): Operation | Refusal | undefined {
    const stored = this.operations.get(attempt.key);
    if (stored === undefined || stored.fingerprint === attempt.fingerprint) return stored;
    return { refused: 422, code: "idempotency_key_reused" };
  }

  /**
   * Stores the decision of `decide`, unless the key was used before: then the earlier operation is the answer.
   * Synchronous, so no other operation happens in between. @throws the file's errors; then nothing is booked.
   */
  book(attempt: Attempt, decide: (books: Books, now: number) => Decision | Refusal): Operation | Refusal {
    const earlier = this.repeated(attempt);
    if (earlier !== undefined) return earlier;
    const decision = decide(this.books, this.now());
    if ("refused" in decision) return decision;
    const operation = this.operation(attempt, decision);
    this.file.append([operation]);
    this.take(operation);
    return operation;
  }

  /**
   * The customer's choice on a page. A payment is two operations, authorized and captured, in one write.
   * @returns the reason why it is refused; then nothing is booked
   */
  choose(page: string, choice: Choice, authorization: string): Refusal | undefined {
    const decision = this.pages.choose(page, choice, authorization, this.now());
    if ("refused" in decision) return decision;
    const key = `${page}:${decision.kind}`;
    const operations = [this.operation(attempt(key, decision.kind, [page]), decision)];
    const { booked, orderId } = decision;
    if (booked !== null) {
      const capture: Decision = {
        kind: "capture",
        orderId,
        result: { status: "captured" },
        booked,
        authorizations: decision.authorizations,
      };
      operations.push(this.operation(attempt(`${page}:capture`, "capture", [page]), capture));
    }
    this.file.append(operations);
    for (const operation of operations) this.take(operation);
    return undefined;
  }

  /** Accepted operations in the order of booking, then everything that has lapsed by now; of one order or of all. */
  entries(orderId?: string): LedgerEntry[] {
    const entries: LedgerEntry[] = [];
    for (const operation of this.operations.values()) {
      if (operation.booked === null) continue;
      if (orderId !== undefined && operation.orderId !== orderId) continue;
      const { idempotencyKey, kind, at } = operation;
      if (kind === "page" || kind === "decline") continue;
      entries.push({ idempotencyKey, orderId: operation.orderId, kind, ...operation.booked, at });
    }
    for (const { authorization, at, ...lapse } of this.books.lapsed(this.now(), orderId)) {
      const of = { idempotencyKey: `${authorization}:lapse`, orderId: lapse.orderId, kind: "lapse" } as const;
      entries.push({ ...of, amount: lapse.amount, currency: lapse.currency, at: new Date(at).toISOString() });
    }
    return entries;
  }

  close(): void {
    this.file.close();
  }

  private operation({ key, fingerprint }: Attempt, decision: Decision): Operation {
    return { idempotencyKey: key, fingerprint, ...decision, at: new Date(this.now()).toISOString() };
  }

  private take(operation: Operation): void {
    this.operations.set(operation.idempotencyKey, operation);
    this.books.apply(operation);
    this.pages.apply(operation);
  }
}
