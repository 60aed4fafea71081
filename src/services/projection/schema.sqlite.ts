/** The file of a projection: its tables, how it is opened, and when it counts as damaged. */
import { renameSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { DEFINITION_VERSION, orderMachines } from "../orders/definition.ts";

/**
 * What a file was written by. A file of another form is built anew: raise the number with every change of the tables or
 * of what a row says. An order reads differently with other machines, so their versions are part of it.
 */
const FORM = [3, DEFINITION_VERSION, ...Object.values(orderMachines).map(({ version }) => version)].join(".");

/** Pages of 4 KiB in the write-ahead log before they are written back. */
const CHECKPOINT_PAGES = 4_000;
/** KiB of the file that are kept in memory. */
const CACHE_KIB = 32_768;

const TABLES = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  -- How far each order stream is folded, and by which message its log is recognized.
  CREATE TABLE position (
    stream INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL,
    log TEXT,
    mark INTEGER NOT NULL,
    marked_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE shape (id INTEGER PRIMARY KEY, form TEXT NOT NULL UNIQUE) STRICT;
  -- How many orders of a shape were made in an hour: every count of shapes, days and hours is a sum of these.
  CREATE TABLE hourly (
    hour INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    orders INTEGER NOT NULL,
    PRIMARY KEY (hour, shape)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE orders (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stream INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    version INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    -- -1: none yet
    total INTEGER NOT NULL,
    currency TEXT,
    facts INTEGER NOT NULL,
    customer TEXT NOT NULL,
    person TEXT,
    placer TEXT,
    lines TEXT NOT NULL,
    tracking TEXT,
    invoice TEXT,
    reference TEXT
  ) STRICT;
  CREATE INDEX orders_shape ON orders (shape);
  CREATE INDEX orders_updated ON orders (shape, updated);
  CREATE INDEX orders_total ON orders (shape, total);
  CREATE INDEX orders_customer ON orders (customer);
  CREATE INDEX orders_person ON orders (person) WHERE person IS NOT NULL;
  CREATE INDEX orders_placer ON orders (placer) WHERE placer IS NOT NULL;
  CREATE INDEX orders_tracking ON orders (tracking) WHERE tracking IS NOT NULL;
  CREATE INDEX orders_invoice ON orders (invoice) WHERE invoice IS NOT NULL;
  CREATE INDEX orders_reference ON orders (reference) WHERE reference IS NOT NULL;
  CREATE TABLE line (sku TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (sku, n)) STRICT, WITHOUT ROWID;
  CREATE VIRTUAL TABLE words USING fts5(
    text, content='', contentless_delete=1, detail=none,
    tokenize="unicode61 remove_diacritics 2 tokenchars '-_.'"
  );
`;

/** The file cannot be used, and has to be built anew. */
export class FileUnusable extends Error {
  override readonly name = "FileUnusable";
}

/**
 * Opens or makes a file. Nothing in it is fsynced: a file that a power failure damages is built anew.
 * @throws FileUnusable: damaged, or of another form; SqliteError: no room, no permission, in use
 */
export function openFile(path: string): Database.Database {
  const database = new Database(path, { timeout: 200 });
  try {
    // Before WAL is switched on. The lock is held until the process ends, and no other process opens the file.
    database.pragma("locking_mode = EXCLUSIVE");
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = OFF");
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.pragma(`cache_size = -${CACHE_KIB}`);
    database.exec("BEGIN IMMEDIATE; COMMIT");
    const tables = database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
    if (tables === 0) makeTables(database);
    const form = database.prepare("SELECT value FROM meta WHERE key = 'form'").pluck().get();
    if (form !== FORM) throw new FileUnusable(`it has the form ${String(form)}, not ${FORM}`);
    const clean = database.prepare("SELECT value FROM meta WHERE key = 'clean'").pluck().get();
    // After an orderly end nothing is half written: the check reads the whole file.
    if (clean !== "yes") checkWhole(database);
    database.exec("INSERT OR REPLACE INTO meta VALUES ('clean', 'no')");
    return database;
  } catch (error) {
    database.close();
    throw isDamage(error) ? new FileUnusable(messageOf(error), { cause: error }) : error;
  }
}

function makeTables(database: Database.Database): void {
  database.exec(`BEGIN; ${TABLES}`);
  database.prepare("INSERT INTO meta VALUES ('form', ?), ('clean', 'yes')").run(FORM);
  database.exec("COMMIT");
}

function checkWhole(database: Database.Database): void {
  const found = database.pragma("quick_check(1)", { simple: true });
  if (found !== "ok") throw new FileUnusable(String(found));
}

/** Ends an orderly use of the file. */
export function closeFile(database: Database.Database): void {
  try {
    database.exec("INSERT OR REPLACE INTO meta VALUES ('clean', 'yes')");
  } finally {
    database.close();
  }
}

/** Moves a file away, so that a new one can be made; one older copy is kept. @returns where it is now */
export function moveAway(path: string): string {
  const target = `${path}.damaged`;
  rmSync(target, { force: true });
  renameSync(path, target);
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
  return target;
}

/** Whether SQLite says that the file is damaged. */
export function isDamage(error: unknown): boolean {
  if (error instanceof FileUnusable) return true;
  // A table that is missing, or a value of a kind that no row has.
  const codes = /^SQLITE_(?:CORRUPT|NOTADB|ERROR|CONSTRAINT|MISMATCH)/u;
  return error instanceof Database.SqliteError && codes.test(error.code);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
