/** The write sets in the outbox of a process that does not run, read from a copy because the file is locked. */
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { Test } from "tap";
import { temporaryFolder } from "../temporary-folder.ts";

export type WaitingWriteSet = {
  readonly commit: string;
  /** In the order of its messages. */
  readonly subjects: readonly string[];
};

/** @param home folder of the node's files */
export function waitingWriteSets(t: Test, home: string): readonly WaitingWriteSet[] {
  const folder = temporaryFolder(t);
  for (const name of ["outbox.sqlite", "outbox.sqlite-wal"])
    if (existsSync(join(home, name))) copyFileSync(join(home, name), join(folder, name));
  const database = new Database(join(folder, "outbox.sqlite"));
  const rows = database.prepare("SELECT commit_id, messages FROM unit ORDER BY position").all() as {
    commit_id: string;
    messages: string;
  }[];
  database.close();
  return rows.map(({ commit_id, messages }) => ({
    commit: commit_id,
    subjects: messages.split("\n").map((line) => line.split(" ", 1)[0]!),
  }));
}
