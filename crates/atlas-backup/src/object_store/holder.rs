//! The holder of a lease: enough to check whether a local process that held it still runs.

use serde::{Deserialize, Serialize};

/// A process, with a unique nonce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    nonce: String,
    /// The boot id of the machine and the namespace of its process ids; `None` where they are
    /// unavailable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    pid: u32,
    /// When the process started, in the unit of the system: process ids are reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<String>,
}

impl Holder {
    /// This process, with a new nonce.
    pub(super) fn this() -> Self {
        let pid = std::process::id();
        Self {
            nonce: format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)),
            machine: machine(),
            pid,
            started: started(pid),
        }
    }

    /// Whether the holder is known to have ended: a process of this machine whose id is free or
    /// belongs to another process. Nothing is known about other machines and containers.
    pub(super) fn is_gone(&self) -> bool {
        self.machine.is_some()
            && self.started.is_some()
            && self.machine == machine()
            && self.started != started(self.pid)
    }
}

#[cfg(target_os = "linux")]
fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), space.display()))
}

/// The 22nd field of `/proc/PID/stat`, counted after the name in parentheses, which may contain
/// anything.
#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let state = fields.split_ascii_whitespace().next()?;
    let started = fields.split_ascii_whitespace().nth(19)?;
    // A zombie no longer runs.
    (state != "Z").then(|| started.to_owned())
}

#[cfg(not(target_os = "linux"))]
fn machine() -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
fn started(_: u32) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_that_has_ended_is_gone() {
        let this = Holder::this();
        assert!(!this.is_gone());
        assert_ne!(this.nonce, Holder::this().nonce);
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = child.id();
        let holder = Holder {
            pid,
            started: started(pid),
            ..this.clone()
        };
        assert!(holder.started.is_some() && !holder.is_gone());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(holder.is_gone());
        let elsewhere = Holder {
            machine: Some("another".to_owned()),
            ..holder.clone()
        };
        let unknown = Holder {
            machine: None,
            ..holder
        };
        assert!(!elsewhere.is_gone() && !unknown.is_gone());
    }
}
