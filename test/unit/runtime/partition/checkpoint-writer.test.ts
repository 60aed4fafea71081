/** The loop that writes the checkpoints of a node's partitions. */
import t from "tap";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { CheckpointWriter } from "../../../../src/runtime/partition/checkpoint-writer.ts";
import { silent } from "../commit/relay-stage.ts";

t.test("open partitions are written each round, until a write fails, and none after the stop", async (t) => {
  const clock = new VirtualClock();
  const written: string[] = [];
  const fails = new Set<string>();
  const partition = (name: string, isOpen: () => boolean) => ({
    isOpen,
    writeCheckpoint: async () => {
      written.push(name);
      if (fails.has(name)) throw new Error("not now");
      return true;
    },
  });
  let isOpen = false;
  const partitions = [partition("a", () => true), partition("b", () => isOpen), partition("c", () => true)];
  const writer = new CheckpointWriter({ partitions, clock, log: silent, everyMs: 1000 });
  writer.start();
  const round = async (): Promise<string[]> => {
    await clock.advance(1000);
    return written.splice(0);
  };
  t.strictSame(await round(), ["a", "c"]);
  isOpen = true;
  fails.add("b");
  t.strictSame(await round(), ["a", "b"]);
  fails.clear();
  t.strictSame(await round(), ["a", "b", "c"]);
  writer.stop();
  t.strictSame(await round(), []);
});
