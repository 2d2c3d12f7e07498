// A desktop made of a public client: says what it hears and takes commands, one JSON object a line.
//   node desktop.mjs cometd|faye '{"url": …, "headers": {…}, "websocket": false, "ack": false}'
import { createInterface } from "node:readline";

const [, , library, options] = process.argv;
const { url, headers, websocket, ack, subscribe } = JSON.parse(options);
const say = (fact) => process.stdout.write(JSON.stringify(fact) + "\n");
const hear = (message) => say({ event: message });

async function withCometd() {
  const { adapt } = await import("cometd-nodejs-client");
  adapt();
  const { CometD } = await import("cometd");
  const client = new CometD();
  client.configure({ url, requestHeaders: headers, logLevel: "none" });
  if (!websocket) client.unregisterTransport("websocket");
  if (ack) {
    const { AckExtension } = await import("cometd/AckExtension.js");
    client.registerExtension("ack", new AckExtension());
  }
  for (const channel of ["handshake", "connect", "subscribe", "disconnect"])
    client.addListener(`/meta/${channel}`, (message) => {
      say({ [channel]: message, status: client.getStatus() });
      // What an application does: after each handshake it subscribes anew.
      if (channel === "handshake" && message.successful)
        client.batch(() => subscribe.forEach((topic) => client.subscribe(topic, hear)));
    });
  client.handshake();
  return {
    disconnect: () => client.disconnect(),
    status: () => say({ status: client.getStatus() }),
  };
}

async function withFaye() {
  const { default: faye } = await import("faye");
  const client = new faye.Client(url, { timeout: 60 });
  client.disable("websocket");
  for (const [name, value] of Object.entries(headers)) client.setHeader(name, value);
  client.addExtension({
    incoming(message, pass) {
      if (message.channel?.startsWith("/meta/"))
        say({ [message.channel.slice("/meta/".length)]: message });
      pass(message);
    },
  });
  for (const topic of subscribe)
    client.subscribe(topic).withChannel((channel, data) => hear({ channel, data }));
  return { disconnect: () => client.disconnect() };
}

const commands = await (library === "faye" ? withFaye() : withCometd());
for await (const line of createInterface({ input: process.stdin })) commands[line]?.();
process.exit(0);
