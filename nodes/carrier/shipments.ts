/**
 * The shipments of the carrier simulator: a fold over the lines of their file.
 * Owns: labels by key and by tracking number, and the state of the parcels.  Does not own: HTTP, time, reports.
 * Invariants
 *   shipments.S1. A line is in the file before it is in memory, and in memory before a client is answered.
 *   shipments.S2. A key names one label; with another request it is refused.
 *   shipments.S3. A parcel is delivered, lost or returned once, and then never changes.
 * Proved by: test/unit/nodes/carrier-shipments.test.ts, test/integration/nodes/carrier.test.ts
 */
import { hash, randomBytes } from "node:crypto";
import type { Money, ShippingAddress } from "../../machines/types.ts";
import { LineFile } from "../simulators/line-file.ts";
import type { Refusal } from "../simulators/refusal.ts";

/** `collect`: what the receiver pays at the door, null for nothing. */
export type LabelRequest = {
  readonly orderId: string;
  readonly shippingAddress: ShippingAddress;
  readonly collect: Money | null;
};

/** A shipment, as `GET /shipments` returns it. Times are RFC 3339, UTC; null until the event has happened. */
export type Shipment = LabelRequest & {
  readonly trackingNumber: string;
  readonly idempotencyKey: string;
  readonly status: "labelled" | "handed_over" | "delivered" | Misfortune;
  /** What was paid at the door; null for nothing. */
  readonly collected: Money | null;
  readonly labelledAt: string;
  readonly handedOverAt: string | null;
  readonly deliveredAt: string | null;
  /** Time of the latest misfortune. */
  readonly failedAt: string | null;
};

/** What else than a delivery can become of a parcel, in the words of the reports. */
export const misfortunes = ["refused", "unclaimed", "lost", "returned"] as const;
/** One of {@link misfortunes}. */
export type Misfortune = (typeof misfortunes)[number];

/** Statuses in which a parcel stays. */
const ends: ReadonlySet<Shipment["status"]> = new Set(["delivered", "lost", "returned"]);

type Line =
  | ({
      readonly kind: "labelled";
      readonly idempotencyKey: string;
      /** Hash of the request, so that a key cannot be reused for another one. */
      readonly fingerprint: string;
    } & LabelRequest &
      Happened)
  | ({ readonly kind: "handed_over" } & Happened)
  | ({ readonly kind: "delivered"; readonly collected: Money | null } & Happened)
  | ({ readonly kind: Misfortune } & Happened)
  /** The message about the parcel's latest status is stored and will be sent to the shop. */
  | ({ readonly kind: "told" } & Happened);

type Happened = { readonly trackingNumber: string; readonly at: string };

/** 14 hexadecimal digits after the prefix: 56 bits. */
const TRACKING_BYTES = 7;

/** All shipments and their file; one per process and file. */
export class Shipments {
  private readonly byNumber = new Map<string, Shipment>();
  /** The tracking number and the request's fingerprint of each key. */
  private readonly labels = new Map<
    string,
    { readonly trackingNumber: string; readonly fingerprint: string }
  >();
  private readonly withoutReport = new Set<string>();
  private readonly file: LineFile<Line>;
  private readonly now: () => number;

  /** Reads the whole file; see {@link LineFile} for the errors. `now`: ms since the epoch. */
  constructor(path: string, now: () => number) {
    this.now = now;
    this.file = new LineFile(path, "the shipments", (line: Line) => this.take(line));
  }

  /** The label of the key, made now if there is none. @throws the file's errors; then nothing is made */
  label(idempotencyKey: string, request: LabelRequest): Shipment | Refusal {
    const { orderId, shippingAddress, collect } = request;
    const fingerprint = hash("sha256", JSON.stringify([orderId, shippingAddress, collect]), "base64url");
    const earlier = this.labels.get(idempotencyKey);
    if (earlier !== undefined && earlier.fingerprint !== fingerprint)
      return { refused: 422, code: "idempotency_key_reused" };
    const trackingNumber = earlier?.trackingNumber ?? newTrackingNumber();
    if (earlier === undefined) {
      const label = { idempotencyKey, fingerprint, orderId, shippingAddress, collect };
      this.write({ kind: "labelled", trackingNumber, ...label, at: this.time() });
    }
    return this.find(trackingNumber) ?? unknown;
  }

  /** The label made under a key. */
  labelOf(idempotencyKey: string): Shipment | undefined {
    return this.find(this.labels.get(idempotencyKey)?.trackingNumber ?? "");
  }

  /** The shipment with this number. */
  find(trackingNumber: string): Shipment | undefined {
    return this.byNumber.get(trackingNumber);
  }

  /** Marks a parcel as handed over. One that is handed over again, or delivered already, stays as it is. */
  handOver(trackingNumber: string, orderId: string): Shipment | Refusal {
    const shipment = this.find(trackingNumber);
    if (shipment === undefined || shipment.orderId !== orderId) return unknown;
    if (shipment.status === "labelled") this.write({ kind: "handed_over", trackingNumber, at: this.time() });
    return this.find(trackingNumber) ?? unknown;
  }

  /** Marks a parcel as delivered. @param collected what was paid at the door; undefined: the amount to collect */
  deliver(trackingNumber: string, collected?: Money | null): Shipment | Refusal {
    const shipment = this.find(trackingNumber);
    if (shipment === undefined) return unknown;
    if (ends.has(shipment.status)) return { refused: 409, code: `already_${shipment.status}` };
    const paid = collected === undefined ? shipment.collect : collected;
    this.write({ kind: "delivered", trackingNumber, collected: paid, at: this.time() });
    return this.find(trackingNumber) ?? unknown;
  }

  /** Marks what else becomes of a parcel; one that comes back can still be delivered, lost or returned. */
  fail(trackingNumber: string, misfortune: Misfortune): Shipment | Refusal {
    const shipment = this.find(trackingNumber);
    if (shipment === undefined) return unknown;
    const comesBack = shipment.status === "refused" || shipment.status === "unclaimed";
    const again = comesBack && (misfortune === "refused" || misfortune === "unclaimed");
    if (again || ends.has(shipment.status)) return { refused: 409, code: `already_${shipment.status}` };
    this.write({ kind: misfortune, trackingNumber, at: this.time() });
    return this.find(trackingNumber) ?? unknown;
  }

  /** Shipments whose latest status is to be reported, with no stored message about it. */
  unreported(): Shipment[] {
    return [...this.withoutReport].flatMap((trackingNumber) => this.find(trackingNumber) ?? []);
  }

  /** The message about the latest status is stored. */
  reported(trackingNumber: string): void {
    this.write({ kind: "told", trackingNumber, at: this.time() });
  }

  /** Shipments in the order of their labels, of one order or of all. */
  list(orderId?: string): Shipment[] {
    const all = [...this.byNumber.values()];
    return orderId === undefined ? all : all.filter((shipment) => shipment.orderId === orderId);
  }

  close(): void {
    this.file.close();
  }

  private time(): string {
    return new Date(this.now()).toISOString();
  }

  private write(line: Line): void {
    this.file.append([line]);
    this.take(line);
  }

  private take(line: Line): void {
    const { trackingNumber, at } = line;
    if (line.kind === "labelled") {
      const { kind: status, fingerprint, at: labelledAt, ...label } = line;
      this.labels.set(line.idempotencyKey, { trackingNumber, fingerprint });
      const open = { collected: null, handedOverAt: null, deliveredAt: null, failedAt: null };
      this.byNumber.set(trackingNumber, { ...label, status, labelledAt, ...open });
      return;
    }
    const shipment = this.byNumber.get(trackingNumber);
    if (shipment === undefined) throw new Error(`the shipments name an unknown label ${trackingNumber}`);
    if (line.kind === "told") {
      this.withoutReport.delete(trackingNumber);
    } else if (line.kind === "handed_over") {
      this.byNumber.set(trackingNumber, { ...shipment, status: line.kind, handedOverAt: at });
    } else if (line.kind !== "delivered") {
      this.byNumber.set(trackingNumber, { ...shipment, status: line.kind, failedAt: at });
      this.withoutReport.add(trackingNumber);
    } else {
      const { collected } = line;
      this.byNumber.set(trackingNumber, { ...shipment, status: line.kind, collected, deliveredAt: at });
      this.withoutReport.add(trackingNumber);
    }
  }
}

const unknown: Refusal = { refused: 404, code: "unknown_shipment" };

function newTrackingNumber(): string {
  return `ORD${randomBytes(TRACKING_BYTES).toString("hex").toUpperCase()}`;
}
