// The shared worker: holds the one event stream of a browser where there are no Web Locks, as over plain http. Its tabs
// post 0 when they are hidden, 1 when they are visible, 2 for a poll where the stream does not get through. While no
// tab is visible there is no stream.

import { listen, noThrow } from "./no-throw.js";
import { openStream } from "./stream.js";

const base = new URL(".", location).href;
const visible = new Set();
const lastMessages = {};
let stream;

listen(self, "connect", ({ ports: [port] }) => {
  port.onmessage = noThrow(({ data }) => {
    if (data) visible.add(port);
    else visible.delete(port);
    if (data && stream) for (const kind in lastMessages) port.postMessage(lastMessages[kind]);
    if (data > 1 && stream) stream.pollNow();
    if (visible.size && !stream) stream = openStream(base, deliver);
    if (!visible.size && stream) stream = stream.close();
  });
});

function deliver(message) {
  lastMessages[message.id ? "release" : "hello"] = message;
  for (const port of visible) port.postMessage(message);
}
