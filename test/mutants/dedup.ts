/** Planted bugs of recognizing repeated commands. */
import type { Mutant } from "./mutant.ts";

const COMMAND_DEDUP = "src/runtime/partition/command-dedup.ts";
const COMMAND_DEDUP_TEST = "test/unit/runtime/partition/command-dedup.test.ts";

export const dedupMutants: readonly Mutant[] = [
  {
    id: "dedup-by-id",
    does: "The same command id for another actor counts as a duplicate.",
    file: COMMAND_DEDUP,
    find: "const key = `${request.actor} ${request.commandId}`;",
    replace: "const key = request.commandId;",
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-by-actor",
    does: "Another command of the same actor counts as a duplicate.",
    file: COMMAND_DEDUP,
    find: "const key = `${request.actor} ${request.commandId}`;",
    replace: "const key = request.actor;",
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-runs-twice",
    does: "A duplicate of a command under way is served as a second command.",
    file: COMMAND_DEDUP,
    find: `    if (first) return first;
`,
    replace: `    if (first && this.applied.has(key)) return first;
`,
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-never-ends",
    does: "A command that was served once is never served again.",
    file: COMMAND_DEDUP,
    find: `    } finally {
      this.running.delete(key);
    }`,
    replace: `    } finally {
      if (!this.applied.has(key)) this.running.delete(key);
    }`,
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-fault-kept",
    does: "A command that ended with a fault stays under way.",
    file: COMMAND_DEDUP,
    find: `    } finally {
      this.running.delete(key);
    }`,
    replace: `    } catch (error) {
      if (this.applied.has(key)) this.running.delete(key);
      throw error;
    }`,
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-remembers-failures",
    does: "A command that was not applied counts as applied.",
    file: COMMAND_DEDUP,
    find: 'if (reply.status === "ok") this.remember(key);',
    replace: 'if (reply.status !== "not_found") this.remember(key);',
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-remembers-none",
    does: "An applied command is not remembered.",
    file: COMMAND_DEDUP,
    find: "const reply = await serve(this.applied.has(key));",
    replace: "const reply = await serve(this.applied.has(key) && this.running.size > 1);",
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-forgets-newest",
    does: "The newest command is forgotten instead of the oldest.",
    file: COMMAND_DEDUP,
    find: `      this.applied.delete(oldest);
      return;`,
    replace: `      if (oldest) this.applied.delete(key);
      return;`,
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-bound-early",
    does: "One command less than the bound is remembered.",
    file: COMMAND_DEDUP,
    find: "if (this.applied.size <= this.bound) return;",
    replace: "if (this.applied.size < this.bound) return;",
    tests: [COMMAND_DEDUP_TEST],
  },
  {
    id: "dedup-without-bound",
    does: "Applied commands are remembered without a bound.",
    file: COMMAND_DEDUP,
    find: "if (this.applied.size <= this.bound) return;",
    replace: "if (this.applied.size <= this.bound * 1000) return;",
    tests: [COMMAND_DEDUP_TEST],
  },
];
