//! Signals: the first ends the work; a second one, or a timeout, ends the process.
//!
//! A signal that was ignored when the process started stays ignored, as with most programs: that
//! is how `nohup` and shells without job control (`sh -c 'command &'`) protect their children.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::{confirm, log, progress};

/// How long the work may take to end after a signal.
const GRACE: Duration = Duration::from_millis(400);

/// How much longer the work may take, in milliseconds.
static EXTRA: AtomicU64 = AtomicU64::new(0);

/// The work that a signal would interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum UnderWay {
    /// No change.
    Nothing,
    /// A prompt; nothing was changed yet.
    Question,
    /// A request that changes something, before its response.
    Change,
    /// The work after an accepted change.
    Accepted,
    /// A transfer that the same command resumes.
    Transfer,
}

static UNDER_WAY: AtomicU8 = AtomicU8::new(UnderWay::Nothing as u8);

/// Sets the work that a signal would interrupt.
pub(crate) fn begin(what: UnderWay) {
    UNDER_WAY.store(what as u8, Ordering::SeqCst);
}

/// The failure of a command that a signal ended.
pub(crate) fn interrupted(number: u8) -> Failure {
    let under_way = UNDER_WAY.load(Ordering::SeqCst);
    let is = |what: UnderWay| under_way == what as u8;
    let line = if is(UnderWay::Question) {
        "interrupted; nothing was changed"
    } else if is(UnderWay::Change) {
        "interrupted; the request may have been applied: check before retrying"
    } else if is(UnderWay::Accepted) {
        "interrupted; the change was accepted and continues in Atlas"
    } else if is(UnderWay::Transfer) {
        "interrupted; re-run the command to resume"
    } else {
        "interrupted"
    };
    Failure::Interrupted(number, line)
}

/// The failure to report while something in a store is not cleaned up.
static UNSETTLED: OnceLock<fn(u8) -> Failure> = OnceLock::new();

/// How long a blocked stderr may delay the end of the process.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Whether the failure that ends the process was printed.
static SAID: AtomicBool = AtomicBool::new(false);

/// Whether a signal ends the process without an error line.
static SILENT: AtomicBool = AtomicBool::new(false);

/// The first signal; the work is dropped when it arrives.
pub(crate) struct FirstSignal(oneshot::Receiver<u8>);

impl FirstSignal {
    /// Waits for Ctrl-C, SIGTERM or the hang-up of the terminal, and what Windows has in their place.
    pub(crate) async fn received(self) -> u8 {
        match self.0.await {
            Ok(number) => number,
            Err(_) => std::future::pending().await,
        }
    }
}

/// Starts to listen, on a separate thread: even if other threads block, the process ends [`GRACE`]
/// after the first signal, and immediately after the second.
pub(crate) fn listen() -> io::Result<FirstSignal> {
    let (first, received) = oneshot::channel();
    let (ready, listening) = mpsc::channel();
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(watch(first, &ready)),
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        })?;
    listening
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("cannot listen for signals")))?;
    Ok(FirstSignal(received))
}

/// Allows the work more time to end after a signal, to clean up in a store; the total stays below a
/// second. A second signal still ends the process immediately. `unsettled` returns the failure to
/// report if the cleanup is not done in time.
#[cfg(feature = "object-store")]
pub(crate) fn extend_grace(by: Duration, unsettled: fn(u8) -> Failure) {
    let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    EXTRA.store(millis, Ordering::SeqCst);
    let _ = UNSETTLED.set(unsettled);
}

async fn watch(first: oneshot::Sender<u8>, ready: &mpsc::Sender<io::Result<()>>) {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let number = signals.next().await;
    let _ = first.send(number);
    let overdue = thread::Builder::new().spawn(move || {
        thread::sleep(GRACE + Duration::from_millis(EXTRA.load(Ordering::SeqCst)));
        end(number);
    });
    if overdue.is_err() {
        end(number);
    }
    end(signals.next().await);
}

/// Ends the process, even if work is running. An incomplete file keeps its `.part`.
fn end(number: u8) -> ! {
    let (said, done) = mpsc::channel();
    // Printed on another thread: stderr may be blocked, and the end must not wait for it.
    let _ = thread::Builder::new().spawn(move || {
        report(&ended(number));
        let _ = said.send(());
    });
    let _ = done.recv_timeout(LAST_WORDS);
    std::process::exit(i32::from(128 + number));
}

/// The failure that ends the process.
fn ended(number: u8) -> Failure {
    match UNSETTLED.get() {
        Some(unsettled) => unsettled(number),
        None => interrupted(number),
    }
}

/// Makes a signal the regular end of the command, which is not reported as an interruption.
#[cfg(feature = "sandbox")]
pub(crate) fn end_silently() {
    SILENT.store(true, Ordering::SeqCst);
}

/// Prints the failure that ends the process, once.
pub(crate) fn report(failure: &Failure) {
    if matches!(failure, Failure::Interrupted(..)) && SILENT.load(Ordering::SeqCst) {
        return;
    }
    if !SAID.swap(true, Ordering::SeqCst) {
        progress::take_away();
        confirm::leave();
        log::error(failure);
    }
}

/// Runs work that blocks (files, standard input, hashing) on a thread for blocking work.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Failure::File(format!("a background task failed: {error}"))))
}

#[cfg(unix)]
struct Signals {
    /// `None` for each signal that is left to the system.
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let ignored = ignored_from_the_start();
        let listen = |kind: SignalKind, unknown: bool| {
            let is_ignored =
                ignored.map_or(unknown, |mask| mask >> (kind.as_raw_value() - 1) & 1 == 1);
            (!is_ignored).then(|| signal(kind)).transpose()
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt(), false)?,
            terminate: listen(SignalKind::terminate(), false)?,
            // Left to the system, it ends the process unless it is ignored.
            hangup: listen(SignalKind::hangup(), true)?,
        })
    }

    async fn next(&mut self) -> u8 {
        async fn one(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
            signal.as_mut()?.recv().await
        }
        tokio::select! {
            Some(()) = one(&mut self.interrupt) => 2,
            Some(()) = one(&mut self.terminate) => 15,
            Some(()) = one(&mut self.hangup) => 1,
            else => std::future::pending().await,
        }
    }
}

/// The signals that were ignored when the process started, signal N in bit N - 1. Only Linux
/// reports them without unsafe code.
#[cfg(unix)]
fn ignored_from_the_start() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// The events of a Windows console. The console ends its programs a few seconds after the last three.
#[cfg(windows)]
struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    ctrl_break: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    logoff: tokio::signal::windows::CtrlLogoff,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::windows;
        Ok(Self {
            ctrl_c: windows::ctrl_c()?,
            ctrl_break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            logoff: windows::ctrl_logoff()?,
            shutdown: windows::ctrl_shutdown()?,
        })
    }

    /// The number of the signal that means the same on Unix.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            Some(()) = self.ctrl_c.recv() => 2,
            // Of all of them, the one that another program can send, to a group of processes.
            Some(()) = self.ctrl_break.recv() => 15,
            Some(()) = self.close.recv() => 1,
            Some(()) = self.logoff.recv() => 1,
            Some(()) = self.shutdown.recv() => 15,
            else => std::future::pending().await,
        }
    }
}
