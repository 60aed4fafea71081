/** The owner of a resource, which ends it: a test, or a benchmark. */
export type Lifetime = {
  /** The owner calls and awaits `end` once, before it ends the resources that were registered earlier. */
  teardown(end: () => unknown): void;
};

/** An owner that can print the output of its resources. */
export type Commented = Lifetime & {
  passing(): boolean;
  comment(title: string, text: string): void;
};
