/** Schemas that several settings share. */
import { Type } from "typebox";

/** A TCP port to listen on. */
export const port = (fallback: number) => Type.Integer({ minimum: 1, maximum: 65_535, default: fallback });

/** A duration in ms. */
export const milliseconds = (fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, default: fallback });

/** A number of things. */
export const count = (fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, default: fallback });

/** An HTTP address. */
export const httpUrl = Type.String({
  pattern: String.raw`^https?://[^\s/]+(/[^\s]*[^\s/])?$`,
  description: "an http address without a slash at the end",
});

/** The same with a default. */
export const httpUrlOr = (fallback: string) => Type.String({ ...httpUrl, default: fallback });

/** One HTTP address, or several separated by commas. */
export const httpUrls = Type.String({
  pattern: String.raw`^https?://[^\s/,]+(/[^\s,]*[^\s/,])?(,https?://[^\s/,]+(/[^\s,]*[^\s/,])?)*$`,
  description: "http addresses without a slash at the end, separated by commas",
});

/** Address of an SMTP server. */
export const smtpUrl = Type.String({
  pattern: String.raw`^smtps?://[^\s]+$`,
  description: "an address like smtp://127.0.0.1:3925",
});

/** One server, or several of a cluster separated by commas. */
export const natsUrl = Type.String({
  pattern: String.raw`^((nats|tls)://)?[^\s,/]+(,((nats|tls)://)?[^\s,/]+)*$`,
  description: "an address like nats://127.0.0.1:4222, or several separated by commas",
});

/** Names of hosts, each with or without a port, separated by commas; empty for none. */
export const hostNames = Type.String({
  pattern: String.raw`^(?:[A-Za-z0-9._-]+(?::\d{1,5})?(?:,[A-Za-z0-9._-]+(?::\d{1,5})?)*)?$`,
  default: "",
  description: "names of hosts like shop.example.com or node-1:3000, separated by commas",
});

/** Name of a node; it becomes a part of subjects and of file names. */
export const nodeId = Type.String({
  pattern: "^[A-Za-z0-9_-]{1,64}$",
  description: "1 to 64 letters, digits, dashes or underscores",
});

/** A secret: 32 to 512 characters. */
export const secret = (fallback: string) => Type.String({ minLength: 32, maxLength: 512, default: fallback });

/** One to three secrets, a line each, the newest first: two while a secret is being changed. */
export const secrets = (fallback: string) =>
  Type.String({
    pattern: String.raw`^[^\r\n]{32,512}(?:\r?\n[^\r\n]{32,512}){0,2}$`,
    default: fallback,
    description: "one to three secrets of 32 to 512 characters, a line each",
  });

/** The secrets in the text of such a setting, the newest first. */
export const secretsIn = (text: string): readonly string[] => text.split(/\r?\n/u).map((line) => line.trim());

/** The levels of the log. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** Least level that is logged. */
export const logLevel = Type.Enum(["trace", "debug", "info", "warn", "error", "silent"], { default: "info" });

/** The workers that a node runs. */
export const workers = Type.Enum(["all", "invoice", "email", "none"], { default: "all" });

/** A switch that is on. */
export const onOff = Type.Enum(["on", "off"], { default: "on" });

/** Whether the steps of the warehouse are automatic. */
export const fulfillmentMode = Type.Enum(["auto", "manual"], { default: "auto" });

/** Host to listen on; only this machine by default. */
export const loopback = Type.String({ default: "127.0.0.1" });
