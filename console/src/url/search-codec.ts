/** State of a page that is in its address: from the text of a query to typed values, and back. Pure. */

/** How one parameter is read and written. What cannot be read is the default, so that any address shows a page. */
export type Param<Value> = {
  readonly read: (text: string | null) => Value;
  /** `undefined`: the parameter is left out. */
  readonly write: (value: Value) => string | undefined;
};

/** Reads and writes all parameters of a page. */
export type SearchCodec<Values> = {
  readonly read: (search: string) => Values;
  /** Without `?`; parameters in the order of the shape, so that the same values are the same address. */
  readonly write: (values: Values) => string;
};

/** A text; empty when absent. */
export const textParam: Param<string> = {
  read: (text) => text ?? "",
  write: (value) => (value === "" ? undefined : value),
};

/** Whether the parameter is `true`. */
export const flagParam: Param<boolean> = {
  read: (text) => text === "true",
  write: (value) => (value ? "true" : undefined),
};

/** One of some values; the first is the default and is left out. */
export function choiceParam<const Value extends string>(values: readonly [Value, ...Value[]]): Param<Value> {
  return {
    read: (text) => values.find((value) => value === text) ?? values[0],
    write: (value) => (value === values[0] ? undefined : value),
  };
}

/** Several of some values, with commas, in the order of `values` and each once. */
export function listParam<const Value extends string>(values: readonly Value[]): Param<readonly Value[]> {
  return {
    read: (text) => {
      const given = text?.split(",") ?? [];
      return values.filter((value) => given.includes(value));
    },
    write: (value) =>
      value.length === 0 ? undefined : values.filter((one) => value.includes(one)).join(","),
  };
}

/** A text that fits a pattern; empty otherwise. */
export function patternParam(pattern: RegExp): Param<string> {
  return {
    read: (text) => (text !== null && pattern.test(text) ? text : ""),
    write: (value) => (value === "" ? undefined : value),
  };
}

/** Puts parameters together. */
export function searchCodec<Values>(
  shape: {
    readonly [name in keyof Values]: Param<Values[name]>;
  },
): SearchCodec<Values> {
  const entries = Object.entries(shape) as [string, Param<unknown>][];
  return {
    read(search) {
      const query = new URLSearchParams(search);
      const values = entries.map(([name, param]) => [name, param.read(query.get(name))]);
      return Object.fromEntries(values) as Values;
    },
    write(values) {
      const query = new URLSearchParams();
      for (const [name, param] of entries) {
        const text = param.write((values as Record<string, unknown>)[name]);
        if (text !== undefined) query.set(name, text);
      }
      // Commas and colons need no escape in a query, and addresses stay readable.
      return query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    },
  };
}
