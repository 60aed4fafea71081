/** A card terminal that keeps its charges in files, so that it remembers what a killed process has asked of it. */
import { mkdirSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Terminal } from "./booking.ts";

/** @param takesMs how long a charge takes: time to kill the host in */
export function fileTerminal(folder: string, takesMs: number): Terminal {
  mkdirSync(folder, { recursive: true });
  const fileOf = (key: string): string => join(folder, `${encodeURIComponent(key)}.json`);
  const find = async (key: string): Promise<{ charge: string } | undefined> => {
    try {
      return JSON.parse(await readFile(fileOf(key), "utf8")) as { charge: string };
    } catch {
      return undefined;
    }
  };
  const store = async <T>(key: string, value: T): Promise<T> => {
    await writeFile(`${fileOf(key)}.new`, JSON.stringify(value));
    await rename(`${fileOf(key)}.new`, fileOf(key));
    return value;
  };
  return {
    find,
    charge: async (key, cents) => {
      const known = await find(key);
      if (known) return known;
      console.log(`charging ${cents} cents`);
      const charged = await store(key, { charge: `charge-${cents}` });
      await pause(takesMs);
      return charged;
    },
    refund: (key, charge) => store(key, { refund: `refund of ${charge}` }),
  };
}
