/**
 * Prevents two clusters in one folder. The lock is one of the operating system, on a SQLite file. It ends with the
 * process, however the process ends, so there are no stale locks and no guesses about process ids.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The lock of one folder. */
export type HomeLock = {
  /** True when the run before was killed: some of its processes may still be stopping. */
  readonly leftover: boolean;
  release(): void;
};

/** Locks the folder. @throws Error with the process that holds it, or with the reason why it cannot be used */
export function lockHome(home: string): HomeLock {
  const pidFile = join(home, "cluster.pid");
  mkdirSync(home, { recursive: true });
  const database = new DatabaseSync(join(home, "cluster.lock"), { timeout: 0 });
  const earlier = readPid(pidFile);
  try {
    database.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (!isLocked(error)) throw error;
    const holder = earlier === undefined ? "another process" : `process ${earlier}`;
    throw new Error(
      `a cluster runs already in ${home} (${holder}); stop it, or set ORDERLY_HOME to another folder (and ORDERLY_PORT, ORDERLY_NATS_PORT to other ports)`,
      { cause: error },
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    leftover: earlier !== undefined,
    release() {
      rmSync(pidFile, { force: true });
      database.close();
    },
  };
}

function readPid(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}

function isLocked(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}
