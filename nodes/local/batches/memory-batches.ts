/**
 * The folders in which a single nats-server stages atomic batches, as links into memory (ADR 13). A batch then costs
 * one fsync, that of the log.
 * Owns: the folder in memory, the links, the note in the store.  Does not own: the server, the repair itself.
 * Invariants
 *   local.B1. The note is on disk before the first link, and stays until no batch can be half stored.
 *   local.B2. A store whose note names a folder that is not as this process left it is repaired before it is used.
 *   local.B3. Nothing in memory is touched that is not a folder of this user alone.
 *   local.B4. Without usable memory the server stages on disk; the reason is in the log.
 * Proved by: test/unit/nodes/local/memory-batches.test.ts, test/fault/batch-folder.test.ts
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { HalfBatch } from "../../../src/adapters/nats/half-batch.ts";
import { foreign, makeFolder, MEMORY_ROOT, memoryFolderOf, room, unusable } from "./memory-folder.ts";

/** In the store: which folder holds staged batches. JSON. */
const NOTE = "orderly-batches.json";
/** In the folder: the id that the note has. Absent: the folder was made again while the server used it. */
const STAMP = "id";
const ORDER_STREAM = /^KV_ORDERS(?:_[1-9]\d*)?$/u;
/** A folder that is in use is empty between two batches: tries at one check. */
const TRIES = 200;

type Note = { readonly folder: string; readonly id: string; readonly plans: readonly HalfBatch[] };

/** Where, and how to say what happens. */
export type MemoryBatchesOptions = {
  /** Folder of the nats-server's store. */
  readonly store: string;
  readonly log: (line: string) => void;
  /** A tmpfs. */
  readonly root?: string;
  /** Why the tmpfs cannot be used when this number of bytes is needed. */
  readonly unusable?: (root: string, bytes: number) => string | undefined;
};

/** The staging folders of one store. */
export type MemoryBatches = {
  /** True when staged batches may have been lost: the store has to be repaired before it is used. */
  mustRepair(): boolean;
  /** Plans of a repair that was interrupted. */
  plans(): readonly HalfBatch[];
  /** Keeps them, durably. */
  keep(plans: readonly HalfBatch[]): void;
  /** The repair has ended. No server may run. */
  repaired(): void;
  /** Called again and again while the server runs: links what is not linked, unlinks when memory has become short. */
  check(): void;
  /** After the server's end: no link and no note is left, unless a batch is still staged. */
  leave(): void;
};

/** See `MemoryBatches`. Reads the store; changes nothing yet. */
export function memoryBatches(options: MemoryBatchesOptions): MemoryBatches {
  const { store, log, root = MEMORY_ROOT } = options;
  const whyNot = options.unusable ?? unusable;
  const noteFile = join(store, NOTE);
  const streams = join(store, "jetstream", "$G", "streams");
  /** The folder that is in use; undefined: batches are staged on disk. */
  let used: string | undefined;
  let said = "";
  /** The server has just recovered, and has no use for what is staged. Later a batch may be lost with the folder. */
  let isFresh = true;

  const say = (line: string) => {
    if (line !== said) log(line);
    said = line;
  };
  const begin = (): string | undefined => {
    const reason = whyNot(root, room.toBeginBytes);
    if (reason !== undefined) {
      say(`atomic batches are staged on disk: ${reason}`);
      return undefined;
    }
    const folder = memoryFolderOf(store, root);
    try {
      makeFolder(folder);
    } catch (error) {
      say(`atomic batches are staged on disk: ${(error as Error).message}`);
      return undefined;
    }
    const id = randomBytes(12).toString("hex");
    writeDurably(store, noteFile, { folder, id, plans: [] });
    if (isFresh) writeFileSync(join(folder, STAMP), id, { mode: 0o600 });
    isFresh = false;
    return folder;
  };
  const names = () =>
    lstatSync(streams, { throwIfNoEntry: false })?.isDirectory() === true
      ? readdirSync(streams).filter((name) => ORDER_STREAM.test(name))
      : [];
  const linkOf = (name: string) => join(streams, name, "batches");
  const unlinkAll = () => {
    for (const name of names()) if (isLink(linkOf(name))) unlinkSync(linkOf(name));
  };

  return {
    mustRepair() {
      const note = readNote(noteFile);
      if (note === undefined) return false;
      // A copy of the store has a note about the folder of the original.
      if (note.plans.length > 0 || note.folder !== memoryFolderOf(store, root)) return true;
      return foreign(note.folder) !== undefined || readText(join(note.folder, STAMP)) !== note.id;
    },
    plans: () => readNote(noteFile)?.plans ?? [],
    keep(plans) {
      const note = readNote(noteFile);
      writeDurably(store, noteFile, { folder: note?.folder ?? "", id: note?.id ?? "", plans });
    },
    repaired() {
      rmSync(noteFile, { force: true });
    },
    check() {
      if (names().length === 0) return;
      used ??= begin();
      if (used === undefined) return;
      const short = whyNot(root, room.toStayBytes);
      if (short !== undefined) {
        unlinkAll();
        used = undefined;
        return say(`atomic batches are staged on disk: ${short}`);
      }
      if (foreign(used) !== undefined) {
        // Another program has emptied the tmpfs. Without its stamp the folder counts as lost at the next start.
        say(`${used} was gone`);
        used = begin();
        if (used === undefined) return unlinkAll();
      }
      for (const name of names()) {
        const target = join(used, name);
        mkdirSync(target, { recursive: true, mode: 0o700 });
        if (isLink(linkOf(name)) || !link(target, linkOf(name))) continue;
        say(`atomic batches of ${name} are staged in memory: ${target}`);
      }
    },
    leave() {
      used = undefined;
      const note = readNote(noteFile);
      if (note === undefined) return;
      const folder = memoryFolderOf(store, root);
      const isOwn = note.folder === folder && foreign(folder) === undefined;
      if (!isOwn)
        return say("the folder of atomic batches in memory is lost; the next start repairs the store");
      if (hasStaged(folder))
        return say(`an atomic batch is still staged in ${folder}; the next start completes it`);
      unlinkAll();
      rmSync(noteFile, { force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Replaces an empty folder by a link. False: a batch was in the folder at every try. */
function link(target: string, path: string): boolean {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      rmdirSync(path);
    } catch (error) {
      if (codeOf(error) === "ENOTEMPTY") continue;
      if (codeOf(error) !== "ENOENT") throw error;
    }
    try {
      symlinkSync(target, path);
      return true;
    } catch (error) {
      // The server was faster; it makes the folder when it stages a batch.
      if (codeOf(error) === "ENOENT") return false;
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  return false;
}

const hasStaged = (folder: string): boolean =>
  readdirSync(folder, { withFileTypes: true }).some(
    (entry) => entry.isDirectory() && readdirSync(join(folder, entry.name)).length > 0,
  );

const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** A note that cannot be read names no folder: the store is repaired. */
function readNote(file: string): Note | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    const { folder, id, plans } = JSON.parse(text) as Partial<Note>;
    return { folder: String(folder), id: String(id), plans: Array.isArray(plans) ? plans : [] };
  } catch {
    return { folder: "", id: "", plans: [] };
  }
}

/** Written beside it, synced, renamed, and the folder synced. */
function writeDurably(folder: string, file: string, note: Note): void {
  const descriptor = openSync(`${file}.new`, "w", 0o600);
  writeFileSync(descriptor, JSON.stringify(note));
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(`${file}.new`, file);
  const entries = openSync(folder, "r");
  fsyncSync(entries);
  closeSync(entries);
}
