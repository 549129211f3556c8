use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use tempfile::TempDir;

use super::*;

fn key() -> TokenKey {
    TokenKey::new("https://a.example", "id", &"s3cret".into())
}

fn token() -> CachedToken {
    CachedToken {
        access_token: "t0ken".into(),
        obtained: 10,
        expires: 20,
    }
}

/// Returns a directory with a token, in an existing folder.
fn stored() -> (TempDir, TokenDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let tokens = TokenDirectory::new(folder.path());
    tokens.store(&key(), &token());
    assert!(tokens.load(&key()).is_some());
    (folder, tokens)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn is_locked(tokens: &TokenDirectory) -> bool {
    matches!(tokens.try_lock(&key()), LockAttempt::Busy)
}

#[test]
fn a_token_is_stored_for_its_owner_only_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = TokenDirectory::new(folder.path().join("a/b"));
    assert!(tokens.load(&key()).is_none());
    tokens.store(&key(), &token());
    let kept = tokens.load(&key()).unwrap();
    assert_eq!(kept.access_token.expose_secret(), "t0ken");
    assert_eq!((kept.obtained, kept.expires), (10, 20));
    drop(tokens.try_lock(&key()));
    assert_eq!(mode(tokens.path()), 0o700);
    for path in [tokens.token_path(&key()), tokens.lock_path(&key())] {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    tokens.remove(&key());
    assert!(tokens.load(&key()).is_none());
}

#[test]
fn a_lock_is_exclusive_and_ends_when_it_is_dropped_while_its_file_remains() {
    let (_folder, tokens) = stored();
    let other = TokenDirectory::new(tokens.path());
    let LockAttempt::Acquired(lock) = tokens.try_lock(&key()) else {
        panic!("the lock is free");
    };
    assert!(is_locked(&other) && is_locked(&tokens));
    let another = TokenKey::new("https://b.example", "id", &"s3cret".into());
    let attempt = other.try_lock(&another);
    assert!(matches!(attempt, LockAttempt::Acquired(_)), "{attempt:?}");
    drop(lock);
    assert!(tokens.lock_path(&key()).exists(), "the file remains");
    assert!(!is_locked(&other));
}

#[test]
fn a_file_that_others_could_have_made_or_read_is_not_used() {
    let (folder, tokens) = stored();
    let elsewhere = folder.path().join("elsewhere");
    for path in [tokens.token_path(&key()), tokens.lock_path(&key())] {
        let is_used = || {
            let locks = !matches!(tokens.try_lock(&key()), LockAttempt::Unsupported);
            let loads = tokens.load(&key()).is_some();
            if path == tokens.lock_path(&key()) {
                locks
            } else {
                loads
            }
        };
        assert!(is_used());
        for shared in [0o640, 0o602, 0o604, 0o660] {
            set_mode(&path, shared);
            assert!(!is_used(), "{shared:o}");
        }
        set_mode(&path, 0o600);
        assert!(is_used());

        std::fs::hard_link(&path, &elsewhere).unwrap();
        assert!(!is_used(), "a hard link");
        std::fs::remove_file(&path).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert!(!is_used(), "a symbolic link");
        std::fs::remove_file(&path).unwrap();
        // `rustix` makes no pipes on Apple's systems.
        #[cfg(not(target_vendor = "apple"))]
        {
            let (file, private) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
            rustix::fs::mknodat(rustix::fs::CWD, &path, file, private, 0).unwrap();
            assert!(!is_used(), "a pipe");
            std::fs::remove_file(&path).unwrap();
        }
        std::fs::create_dir(&path).unwrap();
        assert!(!is_used(), "a folder");
        std::fs::remove_dir(&path).unwrap();
        std::fs::rename(&elsewhere, &path).unwrap();
        assert!(is_used());

        // Only root can change the owner, and only root could read another user's file.
        match chown(&path, Some(12_345), None) {
            Ok(()) => assert!(!is_used(), "another user's"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
        }
    }
}

/// Returns whether a folder is used in any way.
fn is_touched(tokens: &TokenDirectory) -> bool {
    let lock = tokens.try_lock(&key());
    tokens.remove(&key());
    let touched = tokens.load(&key()).is_some() || !matches!(lock, LockAttempt::Unsupported);
    tokens.store(&key(), &token());
    touched || !tokens.token_path(&key()).exists()
}

#[test]
fn a_folder_that_others_can_write_to_is_neither_read_nor_written() {
    let (folder, tokens) = stored();
    for shared in [0o720, 0o702, 0o777, 0o1777] {
        set_mode(folder.path(), shared);
        assert!(!is_touched(&tokens), "{shared:o}");
    }
    set_mode(folder.path(), 0o755);
    assert!(tokens.load(&key()).is_some(), "others may read");

    let link = folder.path().join("link");
    symlink(folder.path(), &link).unwrap();
    assert!(!is_touched(&TokenDirectory::new(link)), "a symbolic link");
    match chown(folder.path(), Some(12_345), None) {
        Ok(()) => assert!(!is_touched(&tokens), "another user's"),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
    }
}

#[test]
fn invalid_files_and_folders_are_treated_as_missing() {
    let (_folder, tokens) = stored();
    for text in ["", "{", "[]", r#"{"access_token": 7}"#] {
        std::fs::write(tokens.token_path(&key()), text).unwrap();
        assert!(tokens.load(&key()).is_none(), "{text}");
    }
    tokens.store(&key(), &token());
    assert!(
        tokens.load(&key()).is_some(),
        "the invalid file is replaced"
    );

    let nowhere = TokenDirectory::new("/dev/null/tokens");
    nowhere.store(&key(), &token());
    nowhere.remove(&key());
    assert!(nowhere.load(&key()).is_none());
    let attempt = nowhere.try_lock(&key());
    assert!(matches!(attempt, LockAttempt::Unsupported), "{attempt:?}");
}
