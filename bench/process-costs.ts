/** What processes cost, as the system tells. Linux only: elsewhere nothing is known, and nothing is reported. */
import { readFileSync } from "node:fs";

/** Of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time since its start, all threads, s; undefined where it cannot be told or the process is gone. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = told(pid, "stat");
  if (stat === "") return undefined;
  // Fields 14 and 15 of proc(5), utime and stime; the first two are cut off: the name may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Memory in use (resident set), bytes; undefined where it cannot be told. */
export function memoryBytes(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/mu.exec(told(pid, "status"))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** Children of a process, oldest first; none where it cannot be told. */
export function childrenOf(pid: number): readonly number[] {
  return told(pid, `task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
}

/** What the system tells of a process; empty where it tells nothing, or the process is gone. */
function told(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return "";
  }
}
