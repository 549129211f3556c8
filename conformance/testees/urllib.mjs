// urllib of Node.js as a client under test: the HTTP client, with a digest of its own, that the
// community's client for Atlas on npm is made with.

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
  const query = new URLSearchParams(call.query);
  for (const flag of ["envelope", "pretty"]) if (call[flag]) query.set(flag, "true");
  const text = query.toString();
  return call.url + path + (text ? `?${text}` : "");
}

function read(status, content) {
  let value;
  try {
    value = JSON.parse(content);
  } catch {
    value = undefined;
  }
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  if (status >= 200 && status < 300) {
    const fine = isObject || (status === 204 && content === "");
    return fine ? ended("ok") : ended("unreadable", status);
  }
  if (isObject && ["error", "errorCode", "detail", "reason"].some((name) => name in value)) {
    return ended("api_error", status, value.errorCode ?? undefined, content);
  }
  return ended("unreadable", status);
}

async function call(asked) {
  const headers = { accept: `application/vnd.atlas.${asked.version}+json` };
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
    return read(answer.status, answer.data.toString("utf8"));
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
