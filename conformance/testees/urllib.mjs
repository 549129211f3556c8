// urllib of Node.js as a testee: an HTTP client with its own digest, used by the community's Atlas
// client on npm.

import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { request } from "urllib";

const require = createRequire(import.meta.url);
const path = require.resolve("urllib").replace(/urllib\/.*$/, "urllib/package.json");
const { version } = JSON.parse(readFileSync(path, "utf8"));

const ended = (kind, status, errorCode, output = "") => ({
  outcome: { kind, status, errorCode },
  output,
});

function target(call) {
  let path = call.path;
  for (const [name, value] of Object.entries(call.parameters)) {
    path = path.replace(`{${name}}`, () => encodeURIComponent(value));
  }
  // A list in the query is a repeated parameter.
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query)) {
    for (const item of [value].flat()) query.append(name, item);
  }
  for (const flag of ["envelope", "pretty"]) if (call[flag]) query.append(flag, "true");
  const text = query.toString();
  return call.url + path + (text ? `?${text}` : "");
}

// Whether any JSON parser can read a value: many allow only about a hundred levels.
function isShallow(value, levels = 100) {
  if (value === null || typeof value !== "object") return true;
  return levels > 0 && Object.values(value).every((item) => isShallow(item, levels - 1));
}

const FILE = /[/+](gzip|csv)\s*(;|$)/i;

// Reads a response as a script would: its status, and the JSON or the file, if any.
function read(method, status, content, mediaType = "") {
  let value;
  try {
    value = JSON.parse(content);
  } catch {
    value = undefined;
  }
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  if (status >= 200 && status < 300) {
    if (value !== undefined && value !== null) {
      const ok = ended("ok");
      return isShallow(value) ? { ...ok, value } : ok;
    }
    // A GET needs a resource; other methods accept an empty response as well.
    const isDone = content === "" && (status === 204 || method !== "GET");
    return isDone || FILE.test(mediaType) ? ended("ok") : ended("unreadable", status);
  }
  if (isObject && ["error", "errorCode", "detail", "reason"].some((name) => name in value)) {
    return ended("api_error", status, value.errorCode ?? undefined, content);
  }
  return ended("unreadable", status);
}

async function call(asked) {
  const headers = { accept: `application/vnd.atlas.${asked.version}+${asked.format ?? "json"}` };
  const options = {
    method: asked.method,
    headers,
    dataType: "buffer",
    timeout: asked.timeoutMs,
    followRedirect: false,
    retry: 2,
    retryDelay: asked.retryMs,
  };
  if (asked.body !== null) {
    headers["content-type"] = "application/json";
    options.content = JSON.stringify(asked.body);
  }
  const { auth } = asked;
  if (auth.kind === "digest") options.digestAuth = `${auth.user}:${auth.password}`;
  else headers.authorization = `Bearer ${auth.token}`;
  try {
    const answer = await request(target(asked), options);
    const content = answer.data.toString("utf8");
    return read(asked.method, answer.status, content, answer.headers["content-type"]);
  } catch (error) {
    const code = error.code ?? error.cause?.code ?? "";
    let kind = "interrupted";
    if (error.name.includes("Timeout")) kind = "timeout";
    else if (code === "ECONNREFUSED") kind = "connect";
    else if (code.startsWith("Z_")) kind = "encoding";
    else if (code.startsWith("HPE_")) kind = "malformed";
    else if (code === "ERR_INVALID_URL") kind = "unsendable";
    return ended(kind, undefined, undefined, `${error.name} ${error.message}`);
  }
}

const print = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.hello) print({ name: "urllib", version, abilities: ["call", "bearer", "digest"] });
  else if (message.reset) print({ done: true });
  else if (message.run.call) print(await call(message.run.call));
  else print(ended("unsendable"));
}
