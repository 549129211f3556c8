use std::fs;
use std::path::PathBuf;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// Returns the problem with a file, and checks that it shows nothing of the content.
fn problem(path: &Path) -> FileProblem {
    let problem = read(path).unwrap_err();
    let shown = format!("{problem} {problem:?} {problem:#?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    problem
}

#[test]
fn a_byte_order_mark_and_one_line_break_are_removed() {
    let folder = Folder::new();
    let most = usize::try_from(LIMIT).unwrap();
    let longest = "x".repeat(most);
    let longest_line = format!("{}\r\n", "x".repeat(most - 2));
    for (content, value) in [
        ("s3cret", "s3cret"),
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        ("\u{feff}s3cret", "s3cret"),
        ("\u{feff}s3cret\r\n", "s3cret"),
        ("two words", "two words"),
        (&longest, &longest),
        (&longest_line, longest_line.trim_end()),
    ] {
        assert_eq!(read(&folder.file("secret", content)).unwrap(), value);
    }
}

#[test]
fn a_value_in_a_file_is_checked_like_one_in_a_variable() {
    let folder = Folder::new();
    let value = |problem| FileProblem::Value { problem };
    for (content, expected) in [
        ("", FileProblem::Empty),
        ("\n", FileProblem::Empty),
        ("\r\n", FileProblem::Empty),
        ("\u{feff}", FileProblem::Empty),
        ("\u{feff}\n", FileProblem::Empty),
        ("s3cret\n\n", value(ValueProblem::LineBreak)),
        ("s3cret\r", value(ValueProblem::LineBreak)),
        ("s3cret\r\r\n", value(ValueProblem::LineBreak)),
        ("s3cret\n\r", value(ValueProblem::LineBreak)),
        ("\n\n", value(ValueProblem::LineBreak)),
        ("\u{feff}\u{feff}s3cret", value(ValueProblem::ByteOrderMark)),
        (" s3cret\n", value(ValueProblem::WhiteSpace)),
        ("\ns3cret", value(ValueProblem::WhiteSpace)),
        ("s3cret \n", value(ValueProblem::WhiteSpace)),
        ("s3cret\nmore\n", value(ValueProblem::Unprintable)),
        ("s3cret\0", value(ValueProblem::Unprintable)),
    ] {
        assert_eq!(
            problem(&folder.file("secret", content)),
            expected,
            "{content:?}"
        );
    }
}

#[test]
fn a_file_without_a_usable_text_is_an_error() {
    let folder = Folder::new();
    let large = "s3cret".repeat(11_000);
    for (path, expected) in [
        (folder.file("latin", b"s3cret\xe9"), FileProblem::NotUnicode),
        (
            folder.file("utf-16", b"\xff\xfes\0"),
            FileProblem::NotUnicode,
        ),
        (folder.file("large", &large), FileProblem::TooLarge),
        (
            folder.file("by one", &large[..=usize::try_from(LIMIT).unwrap()]),
            FileProblem::TooLarge,
        ),
        (folder.0.path().to_owned(), FileProblem::NotRegular),
    ] {
        assert_eq!(problem(&path), expected, "{path:?}");
    }
    for missing in [folder.0.path().join("missing"), PathBuf::from("\0")] {
        let problem = problem(&missing);
        assert!(matches!(problem, FileProblem::Unreadable { .. }));
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Returns the result of `read`; fails if it blocks.
    fn without_waiting<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(read()));
        let result = receiver.recv_timeout(Duration::from_secs(10));
        result.expect("it does not block")
    }

    // `rustix` creates no pipes on Apple's systems.
    #[cfg(not(target_vendor = "apple"))]
    #[test]
    fn a_pipe_is_refused_without_waiting() {
        let folder = Folder::new();
        let pipe = folder.0.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let link = folder.0.path().join("link");
        symlink(&pipe, &link).unwrap();
        for path in [pipe, link] {
            let named = path.clone();
            assert_eq!(
                without_waiting(move || problem(&named)),
                FileProblem::NotRegular
            );
            // It may replace a file after the first check.
            let opened = without_waiting(move || open_at_once(&path));
            assert_eq!(opened.unwrap_err(), FileProblem::NotRegular);
        }
    }

    #[test]
    fn a_device_or_socket_is_refused() {
        let folder = Folder::new();
        let socket = folder.0.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        for path in [Path::new("/dev/null"), Path::new("/dev/zero"), &socket] {
            let named = path.to_owned();
            let problem = without_waiting(move || problem(&named));
            assert_eq!(problem, FileProblem::NotRegular, "{path:?}");
        }
    }

    #[test]
    fn a_symbolic_link_is_followed() {
        let folder = Folder::new();
        // The layout of a Kubernetes secret volume.
        fs::create_dir(folder.0.path().join("..data")).unwrap();
        folder.file("..data/secret", "s3cret\n");
        let link = folder.0.path().join("secret");
        symlink("..data/secret", &link).unwrap();
        assert_eq!(read(&link).unwrap(), "s3cret");

        let itself = folder.0.path().join("itself");
        symlink("itself", &itself).unwrap();
        let problem = problem(&itself);
        assert!(matches!(problem, FileProblem::Unreadable { .. }));
    }

    #[test]
    fn a_file_without_permissions_is_an_error() {
        let folder = Folder::new();
        let path = folder.file("secret", "s3cret");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        // Root can read it anyway.
        if File::open(&path).is_err() {
            let problem = problem(&path);
            assert!(matches!(problem, FileProblem::Unreadable { .. }));
        }
    }

    #[test]
    fn a_path_is_relative_to_the_working_directory() {
        let folder = Folder::new();
        let path = folder.file("secret", "s3cret").canonicalize().unwrap();
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        let root: PathBuf = here.components().skip(1).map(|_| "..").collect();
        let relative = root.join(path.strip_prefix("/").unwrap());
        assert!(relative.is_relative());
        assert_eq!(read(&relative).unwrap(), "s3cret");
    }
}
