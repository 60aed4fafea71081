/**
 * The node's outbox in one SQLite file: WAL, never fsynced. The journal is what lasts. After a restart the node trusts
 * nothing in the outbox (ADR 1), so a file that a power failure damaged costs nothing either.
 * Owns: the file, locked for this process alone.
 * Invariants
 *   sqlite.S1. `write` and `remove` are one transaction each: all rows or none.
 *   sqlite.S2. A second process cannot open the file.
 * A crash leaves rows, which the next `open` finds in `leftover`. A damaged file is moved away, since nothing in it is
 * trusted in any case.
 * Proved by: test/contract/outbox.test.ts, outbox-sqlite.test.ts
 */
import { renameSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { type Outbox, type OutboxRow, StoreUnavailable } from "../../runtime/ports.ts";

/** How long a statement waits for another process that holds the file, ms. Blocks the thread. */
const BUSY_TIMEOUT_MS = 200;
/** Pages of 4 KiB in the write-ahead log before they are written back. */
const CHECKPOINT_PAGES = 2_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS unit (
    position INTEGER PRIMARY KEY,
    commit_id TEXT NOT NULL,
    -- One message a line: its subject, a space, its payload.
    messages TEXT NOT NULL
  ) STRICT;
`;

/** Where the outbox is, and its bounds. */
export type SqliteOutboxOptions = {
  readonly path: string;
  /** Called when a damaged file was moved away, with its new path and SQLite's message. */
  readonly onDamaged?: (movedTo: string, reason: string) => void;
  /** Upper bound of the file, in pages of 4 KiB; unbounded when absent. Beyond it, writes fail as on a full disk. */
  readonly maxPages?: number;
};

/**
 * Opens or makes the file.
 * @throws StoreUnavailable (another process has it open, no permission, disk full): one line, names the file
 */
export function sqliteOutbox(options: SqliteOutboxOptions): Outbox {
  try {
    return new SqliteOutbox(openDatabase(options));
  } catch (error) {
    const reason = damage(error);
    if (reason === undefined) throw unavailable(error, options.path);
    const movedTo = moveAway(options.path);
    options.onDamaged?.(movedTo, reason);
  }
  try {
    return new SqliteOutbox(openDatabase(options));
  } catch (error) {
    throw unavailable(error, options.path);
  }
}

function openDatabase(options: SqliteOutboxOptions): Database.Database {
  const database = new Database(options.path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // Before WAL is switched on. Its index is then in memory, and the lock is held until the process ends.
    database.pragma("locking_mode = EXCLUSIVE");
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = OFF");
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    if (options.maxPages !== undefined) database.pragma(`max_page_count = ${options.maxPages}`);
    database.exec(SCHEMA);
    // Takes the lock now instead of with the first order.
    database.exec("BEGIN IMMEDIATE; COMMIT");
    const check = database.pragma("quick_check(1)", { simple: true });
    if (check !== "ok") throw new Damaged(String(check));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

class Damaged extends Error {
  override readonly name = "Damaged";
}

function damage(error: unknown): string | undefined {
  if (error instanceof Damaged) return error.message;
  const code = sqliteCode(error);
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") return (error as Error).message;
  return undefined;
}

function moveAway(path: string): string {
  // One older copy is enough for an inspection; damaged files must not fill the disk.
  const target = `${path}.damaged`;
  rmSync(target, { force: true });
  renameSync(path, target);
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
  return target;
}

function sqliteCode(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : "";
}

function unavailable(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  const failed = (why: string) => new StoreUnavailable(`${path}: ${why} (${code})`, { cause: error });
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    return failed("another process has this outbox open; every node needs a data folder of its own");
  }
  if (code.startsWith("SQLITE_FULL")) return failed("the disk is full");
  if (code.startsWith("SQLITE_READONLY")) return failed("not writable");
  if (code.startsWith("SQLITE_CANTOPEN"))
    return failed("cannot be opened; the folder must exist and be writable");
  if (code.startsWith("SQLITE_IOERR")) return failed("the disk failed");
  // Damage that appears later: the node stops writing, and its next start moves the file away.
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") return failed("the file is damaged");
  if (error instanceof TypeError && /directory does not exist/.test(error.message)) {
    return new StoreUnavailable(`${path}: the folder does not exist`, { cause: error });
  }
  return error;
}

class SqliteOutbox implements Outbox {
  private readonly database: Database.Database;
  private readonly writeStatement: (rows: readonly OutboxRow[]) => void;
  private readonly removeStatement: (positions: readonly number[]) => void;
  private readonly leftoverStatement: Database.Statement<[], { position: number; commit_id: string }>;
  /** The position of each row, by commit id. */
  private readonly positions = new Map<string, number>();
  private last = 0;

  constructor(database: Database.Database) {
    this.database = database;
    const insert = database.prepare("INSERT INTO unit (position, commit_id, messages) VALUES (?, ?, ?)");
    const remove = database.prepare("DELETE FROM unit WHERE position BETWEEN ? AND ?");
    this.leftoverStatement = database.prepare("SELECT position, commit_id FROM unit ORDER BY position");
    for (const { position, commit_id } of this.leftoverStatement.all()) {
      this.positions.set(commit_id, position);
      this.last = position;
    }
    this.writeStatement = database.transaction((rows: readonly OutboxRow[]) => {
      let position = this.last;
      for (const { commit, messages } of rows) insert.run(++position, commit, textOf(messages));
    });
    this.removeStatement = database.transaction((positions: readonly number[]) => {
      for (const [first, last] of runsOf(positions)) remove.run(first, last);
    });
  }

  write(rows: readonly OutboxRow[]): void {
    const commits = new Set(rows.map(({ commit }) => commit));
    const known = rows.find(({ commit }) => this.positions.has(commit));
    if (known !== undefined || commits.size < rows.length) {
      throw new Error(`a commit is in the outbox already: ${known?.commit ?? "twice in one write"}`);
    }
    this.translated(() => this.writeStatement(rows));
    for (const { commit } of rows) this.positions.set(commit, ++this.last);
  }

  remove(commits: readonly string[]): void {
    const positions = commits.flatMap((commit) => this.positions.get(commit) ?? []);
    this.translated(() => this.removeStatement(positions));
    for (const commit of commits) this.positions.delete(commit);
  }

  leftover(): string[] {
    return this.translated(() => this.leftoverStatement.all().map(({ commit_id }) => commit_id));
  }

  depth(): number {
    return this.positions.size;
  }

  close(): void {
    this.database.close();
  }

  /** Runs a statement with SQLite's errors as those of the port. @throws StoreUnavailable */
  private translated<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw unavailable(error, this.database.name);
    }
  }
}

function textOf(messages: OutboxRow["messages"]): string {
  let text = "";
  for (const { subject, payload } of messages) text += `${subject} ${payload}\n`;
  return text;
}

/** Adjacent positions as pairs of first and last: write sets are removed in the order in which they were written. */
function* runsOf(positions: readonly number[]): Generator<readonly [number, number]> {
  let first: number | undefined;
  let last = 0;
  for (const position of positions.toSorted((a, b) => a - b)) {
    if (first !== undefined && position !== last + 1) {
      yield [first, last];
      first = undefined;
    }
    first ??= position;
    last = position;
  }
  if (first !== undefined) yield [first, last];
}
