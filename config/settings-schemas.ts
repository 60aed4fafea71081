/** Schemas that several settings share. */
import { Type } from "typebox";

/** A TCP port that can be listened on. */
export const port = (fallback: number) => Type.Integer({ minimum: 1, maximum: 65_535, default: fallback });

export const milliseconds = (fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, default: fallback });

export const count = (fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, default: fallback });

export const httpUrl = Type.String({
  pattern: String.raw`^https?://[^\s/]+(/[^\s]*[^\s/])?$`,
  description: "an http address without a slash at the end",
});

export const httpUrls = Type.String({
  pattern: String.raw`^https?://[^\s/,]+(/[^\s,]*[^\s/,])?(,https?://[^\s/,]+(/[^\s,]*[^\s/,])?)*$`,
  description: "http addresses without a slash at the end, with commas between",
});

export const smtpUrl = Type.String({
  pattern: String.raw`^smtps?://[^\s]+$`,
  description: "an address like smtp://127.0.0.1:3925",
});

/** One server, or several of a cluster with commas between. */
export const natsUrl = Type.String({
  pattern: String.raw`^((nats|tls)://)?[^\s,/]+(,((nats|tls)://)?[^\s,/]+)*$`,
  description: "an address like nats://127.0.0.1:4222, or several with commas between",
});

/** Part of subjects and of file names. */
export const nodeId = Type.String({
  pattern: "^[A-Za-z0-9_-]{1,64}$",
  description: "1 to 64 letters, digits, dashes or underscores",
});

/** 32 characters or more. */
export const secret = (fallback: string) => Type.String({ minLength: 32, maxLength: 512, default: fallback });

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

export const logLevel = Type.Enum(["trace", "debug", "info", "warn", "error", "silent"], { default: "info" });

/** Which workers a node runs. */
export const workers = Type.Enum(["all", "invoice", "email", "none"], { default: "all" });

export const fulfillmentMode = Type.Enum(["auto", "manual"], { default: "auto" });

export const loopback = Type.String({ default: "127.0.0.1" });
