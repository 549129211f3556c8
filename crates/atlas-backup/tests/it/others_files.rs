//! Files of other programs, and leftovers of killed runs: none is lost or trusted.

use std::path::Path;

use atlas_backup::{Backups, DownloadOptions, Error, Event, Manifest, Pick, Saved, silent, verify};
use atlas_sandbox::{ClusterKind, FLEX_CLUSTER};

use crate::retention::{World, change_manifest};
use crate::{folder, latest, name, names, project, quietly, world};

async fn replacing(backups: &Backups, out: &Path) -> Result<Vec<Saved>, Error> {
    let options = DownloadOptions::default().replace(true);
    let cluster = name(FLEX_CLUSTER);
    let pick = Pick::Latest;
    backups
        .download(project(), &cluster, &pick, out, &options, silent)
        .await
}

#[tokio::test(start_paused = true)]
async fn files_of_others_next_to_the_output_are_refused_and_kept_with_force() {
    for (other, text) in [
        ("s.tgz.json", "{\"my\": \"settings\"}"),
        ("s.tgz.json", "no JSON"),
        ("s.tgz.part", "precious"),
        ("s.tgz.part.json", "{\"my\": \"settings\"}"),
        ("s.tgz.json.part", "precious"),
        ("s.tgz.json", ""),
        ("s.tgz.part", ""),
        ("s.tgz.part.json", ""),
        ("s.tgz.json.part", ""),
    ] {
        let (server, backups) = world().await;
        let folder = folder();
        std::fs::write(folder.path().join(other), text).unwrap();
        let error = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap_err();
        assert!(matches!(error, Error::Foreign { .. }), "{other}: {error}");
        assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
        assert_eq!(names(&folder), [other]);

        let out = folder.path().join("s.tgz");
        replacing(&backups, &out).await.unwrap();
        verify(&out).unwrap();
        let texts: Vec<_> = names(&folder)
            .iter()
            .filter(|name| name.starts_with(other))
            .map(|name| std::fs::read(folder.path().join(name)).unwrap())
            .collect();
        assert!(
            texts.contains(&text.into()),
            "{other}: {:?}",
            names(&folder)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_set_aside_is_reported() {
    let (_server, backups) = world().await;
    let folder = folder();
    let out = folder.path().join("s.tgz");
    std::fs::write(folder.path().join("s.tgz.json"), "precious").unwrap();
    let said = std::sync::Mutex::new(Vec::new());
    let progress = |event| {
        if let Event::SetAside { kept_as, .. } = event {
            said.lock().unwrap().push(kept_as);
        }
    };
    let options = DownloadOptions::default().replace(true);
    let cluster = name(FLEX_CLUSTER);
    let pick = Pick::Latest;
    let saved = backups.download(project(), &cluster, &pick, &out, &options, &progress);
    saved.await.unwrap();
    let aside = folder.path().join("s.tgz.json.old1");
    assert_eq!(*said.lock().unwrap(), std::slice::from_ref(&aside));
    assert_eq!(std::fs::read(aside).unwrap(), b"precious");
}

/// Another program moves a file of a download away, and puts its own there.
#[tokio::test]
async fn a_file_that_takes_the_name_of_a_partial_file_or_journal_during_a_download_stays() {
    const LENGTH: u64 = 40 << 20;
    for (taken, received_before) in [
        ("s.tgz.part", 1),
        ("s.tgz.part", LENGTH),
        ("s.tgz.part.json", LENGTH),
    ] {
        let (server, backups) = world().await;
        server.with(|sandbox| {
            let snapshot = "32b6e34b3d91647abb20e7aa".parse().unwrap();
            sandbox.add_cluster(project(), name("Large"), ClusterKind::Flex);
            sandbox.add_snapshot(project(), &name("Large"), snapshot, LENGTH);
        });
        let folder = folder();
        let path = |name: &str| folder.path().join(name);
        let theirs = vec![7; usize::try_from(LENGTH).unwrap()];
        let mut is_moved = false;
        let move_away = |event| {
            if let Event::Received { received, .. } = event
                && received >= received_before
                && !std::mem::replace(&mut is_moved, true)
            {
                std::fs::rename(path(taken), path("moved")).unwrap();
                std::fs::write(path(taken), &theirs).unwrap();
            }
        };
        let ended = latest(&backups, "Large", &folder, move_away).await;
        assert!(std::fs::read(path(taken)).unwrap() == theirs, "{taken}");
        if taken == "s.tgz.part" {
            let error = ended.unwrap_err();
            assert!(error.to_string().contains("s.tgz.part"), "{error}");
            assert_eq!(names(&folder), ["moved", "s.tgz.part"]);
            let error = quietly(&backups, "Large", &folder).await.unwrap_err();
            assert!(matches!(error, Error::Foreign { .. }), "{error}");
            assert!(std::fs::read(path(taken)).unwrap() == theirs);
        } else {
            ended.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn impossible_outputs_are_refused_before_any_request() {
    let (server, backups) = world().await;
    let folder = folder();
    let inside = |name: &str| format!("{}/{name}", folder.path().display());
    let long = inside(&"x".repeat(250));
    let missing = inside("no/such.tgz");
    let with_slash = inside("new/");
    let with_dot = inside("new/.");
    for out in [
        "",
        &with_dot,
        "new/./.",
        "/dev/null",
        "/",
        "..",
        &long,
        &missing,
        &with_slash,
    ] {
        let error = replacing(&backups, Path::new(out)).await.unwrap_err();
        let expected = matches!(error, Error::Usage { .. } | Error::File { .. });
        assert!(expected, "{out}: {error}");
    }
    #[cfg(unix)]
    {
        std::fs::write(folder.path().join("file"), "precious").unwrap();
        std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
        let error = replacing(&backups, Path::new(&inside("link"))).await;
        assert!(matches!(error, Err(Error::Usage { .. })), "{error:?}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_partial_file_that_is_a_link_or_a_pipe_is_never_written_to() {
    use std::os::unix::fs::PermissionsExt;
    for kind in ["symlink", "dangling", "hard link", "pipe", "directory"] {
        let (_server, backups) = world().await;
        let folder = folder();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("victim"), "precious").unwrap();
        let part = path("s.tgz.part");
        match kind {
            "symlink" => std::os::unix::fs::symlink("victim", &part).unwrap(),
            "dangling" => std::os::unix::fs::symlink("nowhere", &part).unwrap(),
            "hard link" => std::fs::hard_link(path("victim"), &part).unwrap(),
            "pipe" => {
                let made = std::process::Command::new("mkfifo").arg(&part).status();
                assert!(made.unwrap().success());
            }
            _ => std::fs::create_dir(&part).unwrap(),
        }
        quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
        let out = path("s.tgz");
        verify(&out).unwrap();
        let metadata = out.symlink_metadata().unwrap();
        assert!(metadata.is_file(), "{kind}");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{kind}");
        assert_eq!(
            std::fs::read(path("victim")).unwrap(),
            b"precious",
            "{kind}"
        );
        assert!(!path("nowhere").exists());
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_partial_file_that_others_can_read_becomes_private() {
    use std::os::unix::fs::PermissionsExt;
    let (_server, backups) = world().await;
    let folder = folder();
    let part = folder.path().join("s.tgz.part");
    std::fs::write(&part, "").unwrap();
    let journal = format!(
        "{{\"source\":\"{}/{FLEX_CLUSTER}/32b6e34b3d91647abb20e7b8/\",\"etag\":\"\",\
         \"length\":0,\"piece\":0}}\n",
        atlas_sandbox::PROJECT
    );
    std::fs::write(folder.path().join("s.tgz.part.json"), journal).unwrap();
    std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o666)).unwrap();
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    let mode = saved[0].path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Only the superuser can change a file's owner; for others there is nothing to test.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_partial_file_of_another_user_is_neither_used_nor_touched() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let (_server, backups) = world().await;
    let folder = folder();
    let part = folder.path().join("s.tgz.part");
    std::fs::write(&part, "").unwrap();
    std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o666)).unwrap();
    let own = part.metadata().unwrap().uid();
    if chown(&part, Some(own + 1), None).is_err() {
        return;
    }
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    let metadata = saved[0].path.metadata().unwrap();
    assert_eq!(metadata.uid(), own);
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let left = part.metadata().unwrap();
    assert_eq!((left.len(), left.uid()), (0, own + 1));
}

/// Version 0.1 renamed by a link and an unlink: killed in between, both names refer to one file.
#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_file_that_has_both_names_is_not_written_into() {
    let (server, backups) = world().await;
    let folder = folder();
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    let out = &saved[0].path;
    let before = std::fs::read(out).unwrap();
    std::fs::hard_link(out, folder.path().join("s.tgz.part")).unwrap();
    let copy = std::fs::File::open(out).unwrap();
    server.with(|sandbox| {
        let cluster = name(FLEX_CLUSTER);
        let newest = *sandbox.snapshots(project(), &cluster).last().unwrap();
        sandbox.replace_file(project(), &cluster, newest);
    });
    replacing(&backups, out).await.unwrap();
    verify(out).unwrap();
    let mut old = Vec::new();
    std::io::Read::read_to_end(&mut &copy, &mut old).unwrap();
    assert!(old == before, "the old file is as it was");
    assert!(std::fs::read(out).unwrap() != before);
    assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"]);
}

/// Between the two renames at the end, the new file is sound by the waiting manifest.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_between_file_and_manifest_leaves_a_sound_file() {
    let (server, backups) = world().await;
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    let old_note = std::fs::read(path("s.tgz.json")).unwrap();
    let old_file = std::fs::read(path("s.tgz")).unwrap();
    server.with(|sandbox| {
        let cluster = name(FLEX_CLUSTER);
        let newest = *sandbox.snapshots(project(), &cluster).last().unwrap();
        sandbox.replace_file(project(), &cluster, newest);
    });
    replacing(&backups, &path("s.tgz")).await.unwrap();
    // As it was after the first rename: the new file, the old manifest, the waiting manifest.
    std::fs::rename(path("s.tgz.json"), path("s.tgz.json.part")).unwrap();
    std::fs::write(path("s.tgz.json"), &old_note).unwrap();
    verify(&path("s.tgz")).unwrap();
    // As it was before it: the old file, the old manifest, the waiting manifest.
    std::fs::write(path("s.tgz"), &old_file).unwrap();
    verify(&path("s.tgz")).unwrap();
    replacing(&backups, &path("s.tgz")).await.unwrap();
    verify(&path("s.tgz")).unwrap();
    assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"]);
}

/// Temporary files are recognized by their names.
#[tokio::test(start_paused = true)]
async fn temporary_files_of_killed_runs_are_removed() {
    let (_server, backups) = world().await;
    let folder = folder();
    std::fs::write(folder.path().join(".atlas-backup-a1B2c3.tmp"), "x").unwrap();
    quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"]);
}

/// The next run recognizes the files that a run leaves, whatever that run was doing.
#[tokio::test(start_paused = true)]
async fn the_leftovers_of_a_killed_run_are_resumed_without_force() {
    let (_server, backups) = world().await;
    let sources = format!(
        "{}/{FLEX_CLUSTER}/32b6e34b3d91647abb20e7b8/",
        atlas_sandbox::PROJECT
    );
    let version_0_1 = format!(
        "{{\"source\":\"{sources}\",\"etag\":\"\\\"e\\\"\",\"length\":250,\"piece\":100,\
         \"checksums\":{{}}}}\n{{\"piece\":0,\"bytes\":50}}\n"
    );
    for (part, journal) in [
        (None, Some(&version_0_1[..])),
        (Some(""), Some(&version_0_1)),
        (Some("left over"), Some(&version_0_1)),
    ] {
        let folder = folder();
        let write = |name: &str, text: Option<&str>| {
            if let Some(text) = text {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
        };
        write("s.tgz.part", part);
        write("s.tgz.part.json", journal);
        quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
        assert_eq!(
            names(&folder),
            ["s.tgz", "s.tgz.json"],
            "{part:?} {journal:?}"
        );
    }
}

/// A manifest names its format. In version 0.1 it did not.
#[tokio::test(start_paused = true)]
async fn manifests_of_version_0_1_are_accepted_and_those_of_another_format_are_not() {
    let world = World::pulled().await;
    let newest = std::fs::read(Manifest::path_of(&world.file(7))).unwrap();
    let newest: serde_json::Value = serde_json::from_slice(&newest).unwrap();
    assert_eq!(newest["format"], "atlas-backup/1");
    for place in 0..8 {
        change_manifest(&world.file(place), |manifest| {
            manifest.as_object_mut().unwrap().remove("format");
        });
    }
    world.list(|list| list.deleted = 7);
    assert_eq!(world.keeping("6").await, ".RR", "taken over as they are");
    for (place, format) in [
        serde_json::json!("atlas-backup/2"),
        serde_json::json!("other"),
        serde_json::json!(null),
        serde_json::json!(1),
    ]
    .into_iter()
    .enumerate()
    {
        change_manifest(&world.file(place), |manifest| manifest["format"] = format);
    }
    let before = names(&world.folder);
    assert_eq!(world.keeping("1").await, ".R");
    let after = names(&world.folder);
    let gone: Vec<_> = before.iter().filter(|it| !after.contains(it)).collect();
    assert_eq!(gone.len(), 2, "a file and its manifest: {gone:?}");
    assert!(gone.iter().all(|name| name.contains("01-07")), "{gone:?}");
}
