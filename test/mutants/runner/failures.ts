/** The failed assertions in the output of one test file, read while it is written. */

/** Titles that tap itself gives to a test that it ends. They say that time ran out, and nothing about behavior. */
const OUT_OF_TIME = /^timeout!?$/u;
const RESULT = /^(?<indent> *)(?<failed>not )?ok \d+(?: - (?<title>.*))?$/u;
const SUBTEST = /^(?<indent> *)# Subtest: (?<title>.*)$/u;

/** Reads the Test Anything Protocol line by line, and finds the first test that failed by an assertion or an error. */
export class FailureReader {
  private rest = "";
  private readonly titles = new Map<number, string>();
  private timedOutAt: number | undefined;
  private found: string | undefined;

  /** Title of the outermost test with the failure. Undefined while none has failed. */
  get title(): string | undefined {
    return this.found;
  }

  read(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.readLine(line);
  }

  private readLine(line: string): void {
    const subtest = SUBTEST.exec(line)?.groups;
    if (subtest !== undefined) this.titles.set(subtest["indent"]?.length ?? 0, subtest["title"] ?? "");
    const result = RESULT.exec(line)?.groups;
    if (result === undefined || this.found !== undefined) return;
    const indent = result["indent"]?.length ?? 0;
    const title = (result["title"] ?? "").replace(/ # time=.*$/u, "");
    if (result["failed"] !== undefined && title !== "" && !/ # (?:TODO|SKIP)/iu.test(title))
      this.onFailure(indent, title.trim());
    else if (indent <= (this.timedOutAt ?? -1)) this.timedOutAt = undefined;
  }

  private onFailure(indent: number, title: string): void {
    // The tests around one that ran out of time fail with it.
    const isAround = this.timedOutAt !== undefined && indent < this.timedOutAt;
    if (isAround || OUT_OF_TIME.test(title)) this.timedOutAt = indent;
    // Outside of every test an error is that of a file which could not be loaded.
    else if (this.titles.has(0)) this.found = indent === 0 ? title : this.titles.get(0);
  }
}
