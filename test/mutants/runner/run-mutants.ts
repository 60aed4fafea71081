/**
 * Plants one bug after another and runs its tests. Each job has a copy of the project in the temporary folder; the
 * sources themselves are never changed.
 */
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutant } from "../mutant.ts";
import { copyProject, plant, remove, UnusableData } from "./planting.ts";
import { type Ending, runTest } from "./test-process.ts";

export type Result = {
  readonly mutant: Mutant;
  /** `broken`: its tests fail, and not by an assertion, so that nothing is known. */
  readonly outcome: "caught" | "survived" | "broken";
  /** The test file that decided; the last one, if the bug survived. */
  readonly by: string;
  /** The title of the failed test, or what is wrong with the data. */
  readonly says: string;
  readonly ms: number;
};

export type Run = {
  /** In the order in which they were begun, without those that the budget or the signal left out. */
  readonly results: readonly Result[];
  readonly leftOut: readonly Mutant[];
};

export type RunOptions = {
  readonly jobs: number;
  /** No bug is planted after this time, and one that is under way counts as left out. */
  readonly budgetMs?: number;
  /** For one test file with a bug; without one a file has a minute. */
  readonly limitMs?: number;
  /** Ends every process; the results so far are returned. */
  readonly signal?: AbortSignal;
  /** Called when the sources as they are have passed a test file. */
  readonly onUnchanged?: (file: string, done: number, all: number) => void;
  readonly onResult?: (result: Result, done: number, all: number) => void;
  /** The project; another folder in tests of the runner. */
  readonly root?: string;
};

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const LIMIT_MS = 60_000;

/**
 * @param mutants in the order in which they are planted
 * @throws UnusableData when a test file fails without a bug, or a text to replace does not occur exactly once
 */
export async function runMutants(mutants: readonly Mutant[], options: RunOptions): Promise<Run> {
  const base = mkdtempSync(join(tmpdir(), "orderly-mutants-"));
  const removeBase = (): void => remove(base);
  process.on("exit", removeBase);
  try {
    return await new MutantRun(mutants, options, base).run();
  } finally {
    process.off("exit", removeBase);
    removeBase();
  }
}

/** Where one job works. */
type Place = { readonly folder: string; readonly temporary: string };

class MutantRun {
  private readonly mutants: readonly Mutant[];
  private readonly options: RunOptions;
  private readonly base: string;
  private readonly failed = new AbortController();
  private readonly signal: AbortSignal;
  private readonly results: Result[] = [];
  private readonly unchanged = new Map<string, Promise<void>>();
  private passed = 0;

  constructor(mutants: readonly Mutant[], options: RunOptions, base: string) {
    this.mutants = mutants;
    this.options = options;
    this.base = base;
    const { budgetMs, signal } = options;
    this.signal = AbortSignal.any([
      this.failed.signal,
      ...(signal === undefined ? [] : [signal]),
      ...(budgetMs === undefined ? [] : [AbortSignal.timeout(budgetMs)]),
    ]);
  }

  async run(): Promise<Run> {
    const { jobs, budgetMs } = this.options;
    const places = Array.from({ length: Math.min(jobs, this.mutants.length) }, (_, index) =>
      this.place(index),
    );
    // With a budget each file is run without a bug just before it is needed: files of what is left out cost nothing.
    if (budgetMs === undefined) {
      const files = [...new Set(this.mutants.flatMap(({ tests }) => tests))];
      const failures: string[] = [];
      await this.share(places, files, (place, file) =>
        this.passesUnchanged(place, file, files.length).catch((error: unknown) => {
          if (!(error instanceof UnusableData)) throw error;
          failures.push(error.message);
        }),
      );
      if (failures.length > 0) throw new UnusableData(failures.toSorted().join("\n"));
    }
    await this.share(places, this.mutants, (place, mutant) => this.check(place, mutant));
    const done = new Set(this.results.map(({ mutant }) => mutant));
    return { results: this.results, leftOut: this.mutants.filter((mutant) => !done.has(mutant)) };
  }

  private place(index: number): Place {
    const folder = join(this.base, `copy-${index + 1}`);
    const temporary = join(this.base, `tmp-${index + 1}`);
    copyProject(this.options.root ?? ROOT, folder, join(ROOT, "node_modules"));
    mkdirSync(temporary);
    return { folder, temporary };
  }

  /** Each place takes the next item when it is free. The first error ends all of them. */
  private async share<T>(
    places: readonly Place[],
    items: readonly T[],
    work: (place: Place, item: T) => Promise<void>,
  ): Promise<void> {
    const queue = [...items];
    const job = async (place: Place): Promise<void> => {
      for (let item = queue.shift(); item !== undefined && !this.signal.aborted; item = queue.shift())
        await work(place, item);
    };
    const endAll = (error: unknown): never => {
      this.failed.abort();
      throw error;
    };
    const ended = await Promise.allSettled(places.map((place) => job(place).catch(endAll)));
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }

  private async check(place: Place, mutant: Mutant): Promise<void> {
    for (const file of mutant.tests) await this.passesUnchanged(place, file);
    const startedAt = performance.now();
    const restore = plant(place.folder, mutant);
    try {
      const { kind, says, by } = await this.decide(place, mutant);
      if (kind === "interrupted") return;
      const outcome = kind === "failed" ? "caught" : kind === "passed" ? "survived" : "broken";
      const result = { mutant, outcome, by, says, ms: performance.now() - startedAt } as const;
      this.results.push(result);
      this.options.onResult?.(result, this.results.length, this.mutants.length);
    } finally {
      restore();
    }
  }

  /** A file that fails in an unclear way is no answer yet when another one follows. */
  private async decide(place: Place, mutant: Mutant): Promise<Ending & { readonly by: string }> {
    const { limitMs = LIMIT_MS } = this.options;
    let unclear: (Ending & { readonly by: string }) | undefined;
    for (const file of mutant.tests) {
      const ending = { ...(await this.test(place, file, limitMs)), by: file };
      if (ending.kind === "failed" || ending.kind === "interrupted") return ending;
      if (ending.kind === "unclear") unclear ??= ending;
    }
    return unclear ?? { kind: "passed", says: mutant.does, by: mutant.tests.at(-1) ?? "", ms: 0 };
  }

  /** Runs each file once; another place that needs it waits. */
  private passesUnchanged(place: Place, file: string, all?: number): Promise<void> {
    const known = this.unchanged.get(file);
    if (known !== undefined) return known;
    const begun = this.runUnchanged(place, file, all);
    this.unchanged.set(file, begun);
    return begun;
  }

  private async runUnchanged(place: Place, file: string, all: number | undefined): Promise<void> {
    const { kind, says } = await this.test(place, file, LIMIT_MS);
    if (kind === "interrupted") return;
    if (kind !== "passed") throw new UnusableData(`${file} fails without any bug: ${says}. Repair it first.`);
    this.options.onUnchanged?.(file, ++this.passed, all ?? this.unchanged.size);
  }

  private test({ folder, temporary }: Place, file: string, limitMs: number): Promise<Ending> {
    return runTest({ folder, temporary, file, limitMs, signal: this.signal });
  }
}
