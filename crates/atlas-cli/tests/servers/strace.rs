//! Parses the calls on files in the output of `strace -f -y -xx`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A system call that succeeded, where it ended.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) change: Change,
    /// The line, for messages.
    pub(crate) line: String,
}

/// The effect of a call.
#[derive(Debug)]
pub(crate) enum Change {
    Open {
        path: PathBuf,
        descriptor: u32,
        creates: bool,
        truncates: bool,
        appends: bool,
    },
    Close {
        descriptor: u32,
    },
    Duplicate {
        old: u32,
        new: u32,
    },
    Seek {
        descriptor: u32,
        place: u64,
    },
    Write {
        descriptor: u32,
        /// `None` is the end of the previous write.
        place: Option<u64>,
        bytes: Vec<u8>,
    },
    Resize {
        descriptor: u32,
        length: usize,
    },
    Sync {
        descriptor: u32,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
        exchanges: bool,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Unlink {
        path: PathBuf,
    },
    /// A call that changes files in a way that is not supported here.
    Unknown {
        path: PathBuf,
    },
}

/// The calls to trace, for `-e trace=`.
pub(crate) const TRACED: &str = "openat,open,creat,close,dup,dup2,dup3,fcntl,lseek,write,pwrite64,\
    writev,pwritev,pwritev2,ftruncate,truncate,fallocate,copy_file_range,sendfile,fsync,fdatasync,\
    sync_file_range,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,\
    mkdirat,rmdir";

/// The calls of a log, in the order of their ends. A call that another thread interrupts has two lines.
pub(crate) fn read(log: &str, folder: &Path) -> Vec<Call> {
    let mut begun: HashMap<&str, String> = HashMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            if start.starts_with("close(") {
                // Another thread may get the descriptor before the end of this call is logged.
                calls.extend(call(&format!("{}) = 0", start.trim_end()), folder));
            }
            begun.insert(thread, start.trim_end().to_owned());
            continue;
        }
        let whole = match rest.strip_prefix("<... ") {
            None => rest.to_owned(),
            Some(resumed) => {
                let (_, end) = resumed.split_once(" resumed>").unwrap();
                format!("{}{end}", begun.remove(thread).unwrap())
            }
        };
        if rest.starts_with("<... close") {
            continue;
        }
        calls.extend(call(&whole, folder));
    }
    calls
}

/// Parses a call; `None` if it failed or changes no file.
fn call(line: &str, folder: &Path) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(") = ").or_else(|| {
        // strace pads the text before the result.
        let (arguments, result) = rest.rsplit_once(" = ")?;
        Some((arguments.trim_end().strip_suffix(')')?, result))
    })?;
    if result.starts_with('-') || result.starts_with('?') {
        return None;
    }
    let arguments: Vec<&str> = split(arguments);
    let at = |place: usize| arguments.get(place).copied().unwrap_or_default();
    let number = |text: &str| text.parse::<u64>().ok();
    let change = match name {
        "openat" => Change::Open {
            path: described(result)?,
            descriptor: descriptor(result)?,
            creates: at(2).contains("O_CREAT"),
            truncates: at(2).contains("O_TRUNC"),
            appends: at(2).contains("O_APPEND"),
        },
        "close" => Change::Close {
            descriptor: descriptor(at(0))?,
        },
        "fcntl" if !at(1).starts_with("F_DUPFD") => return None,
        "dup" | "dup2" | "dup3" | "fcntl" => Change::Duplicate {
            old: descriptor(at(0))?,
            new: descriptor(result)?,
        },
        "lseek" => Change::Seek {
            descriptor: descriptor(at(0))?,
            place: number(result)?,
        },
        "write" => Change::Write {
            descriptor: descriptor(at(0))?,
            place: None,
            bytes: written(at(1), result)?,
        },
        "pwrite64" => Change::Write {
            descriptor: descriptor(at(0))?,
            place: number(at(3)),
            bytes: written(at(1), result)?,
        },
        "ftruncate" => Change::Resize {
            descriptor: descriptor(at(0))?,
            length: at(1).parse().ok()?,
        },
        // Space is reserved, and the length grows unless the flag keeps it.
        "fallocate" if at(1) == "FALLOC_FL_KEEP_SIZE" => return None,
        "fsync" | "fdatasync" => Change::Sync {
            descriptor: descriptor(at(0))?,
        },
        "rename" | "link" => renamed(name, folder, folder, at(0), at(1), "")?,
        "renameat" | "renameat2" | "linkat" => {
            let flags = if name == "renameat2" { at(4) } else { "" };
            let (from, to) = (described(at(0))?, described(at(2))?);
            renamed(name, &from, &to, at(1), at(3), flags)?
        }
        "unlink" => Change::Unlink {
            path: folder.join(text(at(0))?),
        },
        "unlinkat" => Change::Unlink {
            path: described(at(0))?.join(text(at(1))?),
        },
        // Starts writing pages to the disk, without a guarantee.
        "sync_file_range" => return None,
        _ => Change::Unknown {
            path: unknown(&arguments, folder),
        },
    };
    // Without the written bytes, and with readable paths.
    let texts = line.split(['"', '<', '>']);
    let shown = texts.map(|text| match bytes(text) {
        Some(path) if text.starts_with('\\') && path.len() < 200 => {
            String::from_utf8_lossy(&path).into_owned()
        }
        _ if text.starts_with('\\') => "..".to_owned(),
        _ => text.to_owned(),
    });
    let line = shown.collect::<String>();
    Some(Call { change, line })
}

fn renamed(
    name: &str,
    old: &Path,
    new: &Path,
    from: &str,
    to: &str,
    flags: &str,
) -> Option<Change> {
    let (from, to) = (old.join(text(from)?), new.join(text(to)?));
    Some(if name.starts_with("link") {
        Change::Link { from, to }
    } else {
        Change::Rename {
            from,
            to,
            exchanges: flags.contains("RENAME_EXCHANGE"),
        }
    })
}

/// The first path that a call names.
fn unknown(arguments: &[&str], folder: &Path) -> PathBuf {
    let mut paths = arguments.iter().filter_map(|argument| {
        let named = text(argument).map(|path| folder.join(path));
        named.or_else(|| descriptor(argument).and(described(argument)))
    });
    paths.next().unwrap_or_default()
}

/// Splits a list at commas outside of strings and structures.
fn split(arguments: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0, false);
    for (place, letter) in arguments.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(arguments[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(arguments[start..].trim());
    parts
}

/// `3<\x2f\x61>` is 3.
fn descriptor(text: &str) -> Option<u32> {
    text.split('<').next()?.parse().ok()
}

/// `3<\x2f\x61>` is `/a`.
fn described(text: &str) -> Option<PathBuf> {
    let (_, path) = text.split_once('<')?;
    let (path, _) = path.split_once('>')?;
    Some(String::from_utf8(bytes(path)?).ok()?.into())
}

/// A path in quotes.
fn text(quoted: &str) -> Option<String> {
    String::from_utf8(bytes(quoted.strip_prefix('"')?.strip_suffix('"')?)?).ok()
}

/// The bytes that a call wrote, which may be fewer than it was given.
fn written(quoted: &str, result: &str) -> Option<Vec<u8>> {
    let quoted = quoted.strip_prefix('"')?;
    let quoted = quoted.strip_suffix('"').expect("a whole string");
    let mut written = bytes(quoted)?;
    written.truncate(result.parse().ok()?);
    Some(written)
}

/// `\x61\x62` is `ab`.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.split("\\x").skip(1);
    digits
        .map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect()
}
