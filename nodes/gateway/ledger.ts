/**
 * The ledger: operations by idempotency key, on top of the books and their file.
 * Owns: which keys were used, for what, and their stored results.  Does not own: HTTP, the tokens' behaviour.
 * Invariants
 *   L1. An operation is in the file before it is in the books, and there before anybody is answered.
 *   L2. A key counts once; with another request it is refused, whatever became of the first.
 * Proved by: test/unit/gateway-ledger.test.ts, test/integration/gateway.test.ts
 */
import { hash } from "node:crypto";
import { Books } from "./books.ts";
import { LedgerFile } from "./ledger-file.ts";
import type { Decision, Operation, OperationKind, Refusal } from "./operation.ts";

/** One line of `GET /ledger`: an operation that was accepted and moved money. */
export type LedgerEntry = {
  readonly idempotencyKey: string;
  readonly orderId: string;
  readonly kind: OperationKind;
  readonly amount: number;
  readonly currency: string;
  readonly at: string;
};

/** An idempotency key and the request it stands for. */
export type Attempt = { readonly key: string; readonly fingerprint: string };

/** Binds a key to the kind and the fields of its request. */
export function attempt(key: string, kind: OperationKind, fields: readonly unknown[]): Attempt {
  return { key, fingerprint: hash("sha256", JSON.stringify([kind, ...fields]), "base64url") };
}

/** The books, their file, and the keys; one per process and file. */
export class Ledger {
  readonly books = new Books();
  readonly #operations = new Map<string, Operation>();
  readonly #file: LedgerFile;
  readonly #now: () => number;

  /** Reads the file whole; see {@link LedgerFile} for what it throws. `now`: ms since the epoch. */
  constructor(path: string, now: () => number) {
    this.#now = now;
    this.#file = new LedgerFile(path, (operation) => this.#take(operation));
  }

  /** The operation stored under a key, also a declined one. */
  find(key: string): Operation | undefined {
    return this.#operations.get(key);
  }

  /** The stored operation of a repeated key; a refusal when the key was used for another request. */
  repeated(attempt: Attempt): Operation | Refusal | undefined {
    const stored = this.#operations.get(attempt.key);
    if (stored === undefined || stored.fingerprint === attempt.fingerprint) return stored;
    return { refused: 422, code: "idempotency_key_reused" };
  }

  /**
   * Stores what `decide` says, unless the key was used before: then that operation is the answer. Synchronous,
   * so no other operation comes in between. @throws the file's errors; nothing is booked then.
   */
  book(attempt: Attempt, decide: (books: Books) => Decision | Refusal): Operation | Refusal {
    const earlier = this.repeated(attempt);
    if (earlier !== undefined) return earlier;
    const decision = decide(this.books);
    if ("refused" in decision) return decision;
    const operation: Operation = {
      idempotencyKey: attempt.key,
      fingerprint: attempt.fingerprint,
      ...decision,
      at: new Date(this.#now()).toISOString(),
    };
    this.#file.append(operation);
    this.#take(operation);
    return operation;
  }

  /** Accepted operations in the order of booking, of one order or of all. */
  entries(orderId?: string): LedgerEntry[] {
    const entries: LedgerEntry[] = [];
    for (const operation of this.#operations.values()) {
      if (operation.booked === null) continue;
      if (orderId !== undefined && operation.orderId !== orderId) continue;
      const { idempotencyKey, kind, at } = operation;
      entries.push({ idempotencyKey, orderId: operation.orderId, kind, ...operation.booked, at });
    }
    return entries;
  }

  close(): void {
    this.#file.close();
  }

  #take(operation: Operation): void {
    this.#operations.set(operation.idempotencyKey, operation);
    this.books.apply(operation);
  }
}
