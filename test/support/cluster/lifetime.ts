/** What a resource ends with: a test, or a benchmark. */
export type Lifetime = {
  /** `end` is called once, awaited, before whatever was handed over earlier ends. */
  teardown(end: () => unknown): void;
};

/** One that can say what was written by whatever ended with it. */
export type Commented = Lifetime & {
  passing(): boolean;
  comment(title: string, text: string): void;
};
