//! nginx as the file host: its configurations, and changes during a download.

use std::time::Duration;

use crate::atlas::{assert_not_named, assert_sound, folder, names, stderr, verify};
use crate::nginx_server::Nginx;

const MIB: u64 = 1 << 20;
/// Long enough for several pieces.
const SIZE: u64 = 20 * MIB;

#[test]
fn pieces_come_in_parallel_from_nginx() {
    let Some(mut nginx) = Nginx::start(SIZE, "limit_rate 8m;") else {
        return;
    };
    let folder = folder();
    let output = nginx.download(folder.path(), 0, |_| {});
    assert_sound("ranges", &output, folder.path(), &nginx.expected);
    assert!(nginx.most_connections() > 1);
    assert!(nginx.bytes() < SIZE + 2 * MIB, "{}", nginx.bytes());
}

#[test]
fn a_file_is_correct_with_every_configuration() {
    for (what, location) in [
        ("a weak tag", "etag off; add_header ETag 'W/\"tag\"';"),
        (
            "a filter, which makes the tag weak",
            "sub_filter_types *; sub_filter nowhere-in-it '-'; sub_filter_last_modified on;",
        ),
        (
            "gzip, which makes the tag weak",
            "gzip on; gzip_types *; gzip_min_length 1; gzip_comp_level 1; gzip_proxied any;",
        ),
        ("only a date", "etag off;"),
        (
            "no tag and no date",
            "etag off; add_header Last-Modified '';",
        ),
        ("no ranges", "max_ranges 0;"),
        ("no ranges and no tag", "max_ranges 0; etag off;"),
        ("a limit", "limit_rate_after 1m; limit_rate 16m;"),
    ] {
        let Some(mut nginx) = Nginx::start(SIZE, location) else {
            return;
        };
        let folder = folder();
        let output = nginx.download(folder.path(), 0, |_| {});
        assert_sound(what, &output, folder.path(), &nginx.expected);
    }
}

#[test]
fn a_limit_on_connections_is_retried() {
    let limit = "limit_conn connections 1; limit_rate 8m;";
    let Some(mut nginx) = Nginx::start(SIZE, limit) else {
        return;
    };
    let folder = folder();
    let output = nginx.download(folder.path(), 0, |_| {});
    assert_sound("a limit of 1", &output, folder.path(), &nginx.expected);
    assert!(nginx.log().contains("limiting connections"));
}

#[test]
fn a_server_that_is_busy_for_seconds_is_retried_at_the_beginning_and_in_the_middle() {
    for after in [0, 4 * MIB] {
        let Some(mut nginx) = Nginx::start(SIZE, "limit_rate 2m;") else {
            return;
        };
        if after == 0 {
            nginx.stop();
            nginx.configure("return 503;");
            nginx.run();
        }
        let folder = folder();
        let output = nginx.download(folder.path(), after.max(1), |nginx| {
            // Current connections are closed, and find the server busy.
            nginx.stop();
            nginx.configure("add_header Retry-After 1 always; return 503;");
            nginx.run();
            pass(Duration::from_secs(3));
            nginx.configure("");
            nginx.reload();
        });
        assert_sound("503", &output, folder.path(), &nginx.expected);
    }
}

#[test]
fn a_restart_in_the_middle_costs_only_the_pieces_in_progress() {
    let Some(mut nginx) = Nginx::start(SIZE, "limit_rate 2m;") else {
        return;
    };
    let folder = folder();
    let output = nginx.download(folder.path(), 6 * MIB, |nginx| {
        nginx.stop();
        // Nothing listens for a while.
        pass(Duration::from_secs(2));
        nginx.configure("");
        nginx.run();
    });
    assert_sound("a restart", &output, folder.path(), &nginx.expected);
    assert!(nginx.bytes() < SIZE + 4 * MIB, "{}", nginx.bytes());
}

#[test]
fn a_file_that_is_replaced_in_the_middle_is_the_new_one_in_the_end() {
    for location in [
        "limit_rate 2m;",
        "limit_rate 4m; etag off;",
        "limit_rate 4m; max_ranges 0;",
    ] {
        let Some(mut nginx) = Nginx::start(SIZE, location) else {
            return;
        };
        let folder = folder();
        let new = another(&nginx.expected);
        let output = nginx.download(folder.path(), 4 * MIB, |nginx| {
            nginx.replace(&new, None);
            nginx.configure("");
            nginx.stop();
            nginx.run();
        });
        assert_sound(location, &output, folder.path(), &new);
    }
}

/// nginx builds the tag from the time in seconds and the length, which both files share.
#[test]
fn a_file_that_is_replaced_by_one_with_the_same_tag_is_never_a_mix_of_both() {
    let Some(mut nginx) = Nginx::start(SIZE, "limit_rate 2m;") else {
        return;
    };
    let folder = folder();
    let new = another(&nginx.expected);
    let output = nginx.download(folder.path(), 4 * MIB, |nginx| {
        let modified = std::fs::metadata(nginx.file()).unwrap().modified();
        nginx.replace(&new, Some(modified.unwrap()));
        nginx.stop();
        nginx.configure("");
        nginx.run();
    });
    if output.status.success() {
        assert_sound("the same tag", &output, folder.path(), &new);
    } else {
        assert_not_named("the same tag", &output, folder.path(), 7);
    }
    // The rest of the mix does not block the next download.
    let output = nginx.download(folder.path(), 0, |_| {});
    assert_sound("the same tag, again", &output, folder.path(), &new);
}

#[test]
fn a_file_that_is_cut_off_in_the_middle_never_gets_its_name() {
    for location in [
        "limit_rate 2m;",
        "limit_rate 2m; etag off;",
        "limit_rate 2m; max_ranges 0;",
    ] {
        let Some(mut nginx) = Nginx::start(SIZE, location) else {
            return;
        };
        let folder = folder();
        let output = nginx.download(folder.path(), 4 * MIB, |nginx| {
            let file = std::fs::File::options().write(true).open(nginx.file());
            file.unwrap().set_len(SIZE / 2).unwrap();
            nginx.configure("");
            nginx.reload();
        });
        assert_not_named(location, &output, folder.path(), 7);
        assert!(stderr(&output).contains("error: "), "{}", stderr(&output));
        let left = names(folder.path());
        for name in left.iter().filter(|name| name.starts_with("s.tgz")) {
            assert!(!verify(folder.path(), name).status.success(), "{name}");
        }
    }
}

/// Another snapshot of the same length.
fn another(file: &[u8]) -> Vec<u8> {
    let atlas = crate::atlas::Atlas::new(&[1, SIZE]);
    let other = atlas.file(1);
    assert_eq!(other.len(), file.len());
    assert!(other != file);
    other
}

/// Lets an outage last in real time, since two other processes use the clock.
fn pass(time: Duration) {
    std::thread::sleep(time);
}
