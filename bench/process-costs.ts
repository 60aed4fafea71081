/** CPU time and memory of processes, read from the system. Linux only: on other systems nothing is reported. */
import { readFileSync } from "node:fs";

/** The same on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

/** CPU time since its start, all threads, s; undefined when it cannot be read or the process has ended. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = procFile(pid, "stat");
  if (stat === "") return undefined;
  // Fields 14 and 15 of proc(5), utime and stime. The first two are skipped: the name may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Memory in use (RSS), bytes; undefined when it cannot be read. */
export function memoryBytes(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/mu.exec(procFile(pid, "status"))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** Children of a process, oldest first; none when they cannot be read. */
export function childrenOf(pid: number): readonly number[] {
  return procFile(pid, `task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

/** A file of /proc about a process; empty when there is none, or the process has ended. */
function procFile(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return "";
  }
}
