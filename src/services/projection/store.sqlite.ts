/**
 * The orders of a projection in one SQLite file.
 * Owns: the file, its rows, the counts.  Does not own: what a message says (fold.ts), queries (queries.sqlite.ts).
 * Invariants
 *   projection.P1. Rows, counts and the position of a stream change in one transaction.
 *   projection.P2. Messages at or before the position of their stream change nothing.
 *   projection.P3. `hourly` has, for each hour and shape, exactly the orders that have them.
 * Proved by: test/unit/services/projection/store.test.ts
 * A crash leaves the last transaction. A file that a power failure has damaged is recognized when it is opened.
 */
import type Database from "better-sqlite3";
import type { FactsPart, OrderChange, RecordPart } from "./fold.ts";
import { hourOf, placeOf } from "./place.ts";
import type { Shape } from "./shape.ts";
import { wordsOf } from "./words.ts";

/** How far a stream is folded. */
export type Position = {
  readonly sequence: number;
  /** The id of its log; null when it has none. */
  readonly log: string | null;
  /** A message of that log, and when the server stored it, ms since the epoch; 0: none yet. */
  readonly mark: number;
  readonly markedAt: number;
};

/** A row of the table `orders`. */
export type StoredOrder = {
  readonly n: number;
  readonly id: string;
  readonly stream: number;
  readonly partition: number;
  readonly version: number;
  readonly sequence: number;
  readonly created: number;
  readonly updated: number;
  readonly shape: number;
  readonly total: number;
  readonly currency: string | null;
  readonly facts: number;
  readonly customer: string;
  readonly person: string | null;
  readonly placer: string | null;
  readonly lines: string;
  readonly tracking: string | null;
  readonly invoice: string | null;
  readonly reference: string | null;
};

const COLUMNS =
  "n, id, stream, partition, version, sequence, created, updated, shape, total, currency, facts, customer, person, placer, lines, tracking, invoice, reference";
const NAMES = COLUMNS.split(", ");
const NO_FACTS: FactsPart = {
  version: 0,
  customer: "",
  group: null,
  placedBy: null,
  lines: [],
  reference: null,
};
/** SKUs of an order. */
const LINES_MAX = 1000;

/** See the top of the file. */
export class OrderStore {
  readonly database: Database.Database;
  /** By id. Only new ones are added. */
  readonly shapes: Shape[] = [];
  /** Orders by shape. */
  readonly counts: number[] = [];
  private readonly shapeIds = new Map<string, number>();
  private readonly statements: ReturnType<typeof prepared>;
  private readonly inTransaction: (work: () => void) => void;
  /** Changes of `hourly` that are not written yet, by `<hour> <shape>`. */
  private readonly hourly = new Map<string, number>();

  constructor(database: Database.Database) {
    this.database = database;
    this.statements = prepared(database);
    this.inTransaction = database.transaction((work: () => void) => work());
    this.readShapes();
  }

  private readShapes(): void {
    this.shapes.length = 0;
    this.counts.length = 0;
    this.shapeIds.clear();
    for (const { form, id } of this.statements.shapes.all()) {
      this.shapes[id] = JSON.parse(form) as Shape;
      this.shapeIds.set(form, id);
      this.counts[id] = 0;
    }
    for (const { orders, shape } of this.statements.counts.all()) this.counts[shape] = orders;
  }

  /** How far a stream is folded; `undefined`: nothing of it is. */
  position(stream: number): Position | undefined {
    return this.statements.position.get(stream);
  }

  /** The version of an order's facts; 0 when none are known. */
  factsOf(id: string): number {
    return this.statements.factsOf.pluck().get(id) ?? 0;
  }

  /** All orders. */
  size(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Applies the fold of the messages up to a position: all of it, or nothing.
   * @throws SqliteError
   */
  apply(stream: number, changes: readonly OrderChange[], position: Position): void {
    try {
      this.inTransaction(() => {
        for (const change of changes) this.change(stream, change);
        for (const [key, orders] of this.hourly) {
          const [hour, shape] = key.split(" ").map(Number);
          if (orders !== 0) this.statements.addHourly.run(hour, shape, orders);
          if (orders < 0) this.statements.removeEmpty.run(hour, shape);
        }
        this.statements.setPosition.run({ stream, ...position });
      });
    } catch (error) {
      // What the memory has of it was not stored.
      this.hourly.clear();
      this.readShapes();
      throw error;
    }
    this.hourly.clear();
  }

  private change(stream: number, { facts, id, parked, partition, record }: OrderChange): void {
    const before = this.statements.order.get(id);
    const newer = record !== undefined && record.sequence > (before?.sequence ?? 0) ? record : undefined;
    if (!before && !newer) return;
    const shape = this.shapeAfter(before, newer, parked);
    const newFacts = facts !== undefined && (!before || facts.version >= before.facts) ? facts : undefined;
    const after = {
      ...(before ?? this.begun(stream, { id, partition }, newer?.createdAt ?? 0)),
      ...(newer && recordColumns(newer)),
      ...(newFacts && factsColumns(newFacts)),
      shape,
    } as StoredOrder;
    if (before) this.statements.update.run(after);
    else this.statements.insert.run(after);
    if (before?.shape !== shape) {
      if (before) this.count(before, before.shape, -1);
      this.count(after, shape, 1);
    }
    this.index(before, after);
  }

  /** The columns of an order that never change, and no facts yet. */
  private begun(stream: number, { id, partition }: Pick<OrderChange, "id" | "partition">, createdAt: number) {
    const n = this.freePlace(createdAt, id);
    return { n, id, stream, partition, created: createdAt, ...factsColumns(NO_FACTS) };
  }

  private shapeAfter(
    before: StoredOrder | undefined,
    record: RecordPart | undefined,
    parked: boolean | undefined,
  ): number {
    const known = before && this.shapes[before.shape];
    const shape = record?.shape ?? known;
    if (shape === undefined) throw new Error("an order has a shape");
    return this.shapeId({ ...shape, parked: parked ?? known?.parked ?? false });
  }

  private shapeId(shape: Shape): number {
    const form = JSON.stringify(shape);
    const known = this.shapeIds.get(form);
    if (known !== undefined) return known;
    const id = Number(this.statements.addShape.run(form).lastInsertRowid);
    this.shapes[id] = shape;
    this.counts[id] = 0;
    this.shapeIds.set(form, id);
    return id;
  }

  private count({ created }: StoredOrder, shape: number, by: 1 | -1): void {
    this.counts[shape] = (this.counts[shape] ?? 0) + by;
    const key = `${hourOf(created)} ${shape}`;
    this.hourly.set(key, (this.hourly.get(key) ?? 0) + by);
  }

  private freePlace(createdAt: number, id: string): number {
    let place = placeOf(createdAt, id);
    while (this.statements.isTaken.get(place) !== undefined) place++;
    return place;
  }

  /** The lines and words under which the order is found. */
  private index(before: StoredOrder | undefined, after: StoredOrder): void {
    const { n } = after;
    if (before?.lines !== after.lines) {
      for (const sku of before ? skusOf(before) : []) this.statements.removeLine.run(sku, n);
      for (const sku of skusOf(after)) this.statements.addLine.run(sku, n);
    }
    if (!before || WORD_COLUMNS.some((name) => before[name] !== after[name]))
      this.statements.setWords.run(n, textOf(after));
  }
}

/** The lines of a row. */
export const linesOf = ({ lines }: Pick<StoredOrder, "lines">): FactsPart["lines"] =>
  JSON.parse(lines) as FactsPart["lines"];

const skusOf = (row: StoredOrder): Set<string> =>
  new Set(
    linesOf(row)
      .slice(0, LINES_MAX)
      .map(({ sku }) => sku),
  );

/** What the words of a row are made from. */
const WORD_COLUMNS = ["customer", "lines", "tracking", "invoice"] as const;

const textOf = (row: StoredOrder): string =>
  wordsOf(row.id, { customer: row.customer, lines: linesOf(row) }, [row.tracking, row.invoice]);

type RecordColumns = Pick<
  StoredOrder,
  "version" | "sequence" | "updated" | "total" | "currency" | "tracking" | "invoice"
>;

const recordColumns = (record: RecordPart): RecordColumns => ({
  version: record.version,
  sequence: record.sequence,
  updated: record.updatedAt,
  total: record.total?.amount ?? -1,
  currency: record.total?.currency ?? null,
  tracking: record.trackingNumber,
  invoice: record.invoiceNumber,
});

const factsColumns = ({
  customer,
  group,
  lines,
  placedBy,
  reference,
  version,
}: FactsPart): Pick<StoredOrder, "facts" | "customer" | "person" | "placer" | "lines" | "reference"> => ({
  reference,
  facts: version,
  customer,
  person: group,
  placer: placedBy,
  lines: JSON.stringify(lines),
});

function prepared(database: Database.Database) {
  const changing = NAMES.filter((name) => !["n", "id", "stream", "partition", "created"].includes(name));
  return {
    shapes: database.prepare<[], { id: number; form: string }>("SELECT id, form FROM shape"),
    addShape: database.prepare<[string]>("INSERT INTO shape (form) VALUES (?)"),
    counts: database.prepare<[], { shape: number; orders: number }>(
      "SELECT shape, sum(orders) AS orders FROM hourly GROUP BY shape",
    ),
    addHourly: database.prepare(
      "INSERT INTO hourly VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET orders = orders + excluded.orders",
    ),
    removeEmpty: database.prepare("DELETE FROM hourly WHERE hour = ? AND shape = ? AND orders = 0"),
    position: database.prepare<[number], Position>(
      "SELECT sequence, log, mark, marked_at AS markedAt FROM position WHERE stream = ?",
    ),
    setPosition: database.prepare(
      "INSERT OR REPLACE INTO position VALUES (@stream, @sequence, @log, @mark, @markedAt)",
    ),
    order: database.prepare<[string], StoredOrder>(`SELECT ${COLUMNS} FROM orders WHERE id = ?`),
    factsOf: database.prepare<[string], number>("SELECT facts FROM orders WHERE id = ?"),
    isTaken: database.prepare<[number]>("SELECT 1 FROM orders WHERE n = ?"),
    insert: database.prepare(
      `INSERT INTO orders (${COLUMNS}) VALUES (${NAMES.map((name) => `@${name}`).join(", ")})`,
    ),
    update: database.prepare(
      `UPDATE orders SET ${changing.map((name) => `${name} = @${name}`).join(", ")} WHERE n = @n`,
    ),
    addLine: database.prepare<[string, number]>("INSERT OR IGNORE INTO line VALUES (?, ?)"),
    removeLine: database.prepare<[string, number]>("DELETE FROM line WHERE sku = ? AND n = ?"),
    setWords: database.prepare<[number, string]>("INSERT OR REPLACE INTO words (rowid, text) VALUES (?, ?)"),
  };
}
