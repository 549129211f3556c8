//! Runs MongoDB's MCP server (npm `mongodb-mcp-server`) over stdio. It uses `atlas sandbox` over TLS with
//! a service account.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::command::CommandSandbox;
use super::program::{is_installed, runs};

/// The MCP server and its sandbox.
pub(crate) struct McpServer {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Lines<BufReader<ChildStdout>>,
    last: u64,
    sandbox: CommandSandbox,
}

impl McpServer {
    /// Starts both. Returns `None` if the MCP server is missing and `ATLAS_INTEROP` is `skip`.
    pub(crate) fn start() -> Option<Self> {
        let program = program();
        let node = runs(Command::new("node").arg("--version"));
        let install = "npm install --omit=optional --prefix target/mcp mongodb-mcp-server@3.0.4";
        if !is_installed(node && program.exists(), "mongodb-mcp-server", install) {
            return None;
        }
        let sandbox = CommandSandbox::start(&["--tls"]);
        let exported = |name: &str| sandbox.exports[name].as_str();
        let mut child = Command::new("node")
            .arg(program)
            .env("MDB_MCP_API_BASE_URL", format!("{}/", sandbox.url()))
            .env("MDB_MCP_API_CLIENT_ID", exported("MONGODB_ATLAS_CLIENT_ID"))
            .env(
                "MDB_MCP_API_CLIENT_SECRET",
                exported("MONGODB_ATLAS_CLIENT_SECRET"),
            )
            .env("MDB_MCP_CONFIRMATION_REQUIRED_TOOLS", "")
            .env("MDB_MCP_LOGGERS", "stderr")
            .env("MDB_MCP_TELEMETRY", "disabled")
            // The server reads the first for Atlas, and Node the second for the request of its address.
            .env("SSL_CERT_FILE", exported("SSL_CERT_FILE"))
            .env("NODE_EXTRA_CA_CERTS", exported("NODE_EXTRA_CA_CERTS"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            last: 0,
            sandbox,
        };
        let client = json!({"name": "interop", "version": "0"});
        let hello =
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        let answer = server.request("initialize", &hello);
        assert_eq!(answer["serverInfo"]["version"], "3.0.4", "{answer}");
        server.write(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        Some(server)
    }

    fn write(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    /// Sends a request and returns the result.
    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let line = self.stdout.next().expect("the MCP server ended").unwrap();
            let mut message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
        }
    }

    /// Returns the sorted names of its Atlas tools.
    pub(crate) fn atlas_tools(&mut self) -> Vec<String> {
        let tools = self.request("tools/list", &json!({}));
        let names = tools["tools"].as_array().unwrap().iter();
        let names = names.map(|tool| tool["name"].as_str().unwrap());
        let mut names: Vec<_> = names
            .filter(|name| name.starts_with("atlas-"))
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names
    }

    fn tool(&mut self, name: &str, arguments: &Value) -> Value {
        self.request("tools/call", &json!({"name": name, "arguments": arguments}))
    }

    /// Calls a tool that must succeed and returns its structured output.
    pub(crate) fn call(&mut self, name: &str, arguments: &Value) -> Value {
        let mut answer = self.tool(name, arguments);
        assert_ne!(answer["isError"], true, "{name} {arguments}: {answer}");
        answer["structuredContent"].take()
    }

    /// Calls a tool that must fail and returns its message.
    pub(crate) fn refused(&mut self, name: &str, arguments: &Value) -> String {
        let answer = self.tool(name, arguments);
        assert_eq!(answer["isError"], true, "{name} {arguments}: {answer}");
        answer["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Advances the sandbox's clock.
    pub(crate) fn advance(&self, seconds: u32) {
        self.sandbox.advance(seconds);
    }

    /// Ends both and returns the sandbox's log: status, method and path of each request.
    pub(crate) fn stop(mut self) -> Vec<String> {
        drop(self.stdin.take());
        self.child.wait().unwrap();
        let Self { sandbox, .. } = self;
        sandbox.stop()
    }
}

fn program() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("mcp/node_modules/mongodb-mcp-server/dist/index.js")
}
