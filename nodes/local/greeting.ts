/** A nats-server greets each connection once it has recovered its streams. */
import { connect } from "node:net";

const ASK_TIMEOUT_MS = 2_000;

/** True when a nats-server greets on the port; otherwise what is missing. */
export function greeting(port: number): Promise<true | string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", timeout: ASK_TIMEOUT_MS });
    const answer = (value: true | string) => {
      socket.destroy();
      resolve(value);
    };
    socket
      .once("data", (data) =>
        answer(data.toString().startsWith("INFO ") || `port ${port} is not a nats-server`),
      )
      .once("timeout", () => answer(`port ${port} does not answer`))
      .once("error", (error) => answer(error.message));
  });
}
