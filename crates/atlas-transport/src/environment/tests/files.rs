use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;

use super::*;

/// The variables of the pairs of each set, without `_FILE`.
const PAIRS: [(VariableSet, [&str; 2]); 5] = [
    (
        VariableSet::Atlas,
        ["MONGODB_ATLAS_CLIENT_ID", "MONGODB_ATLAS_CLIENT_SECRET"],
    ),
    (
        VariableSet::Atlas,
        [
            "MONGODB_ATLAS_PUBLIC_API_KEY",
            "MONGODB_ATLAS_PRIVATE_API_KEY",
        ],
    ),
    (VariableSet::Mcli, ["MCLI_CLIENT_ID", "MCLI_CLIENT_SECRET"]),
    (
        VariableSet::Mcli,
        ["MCLI_PUBLIC_API_KEY", "MCLI_PRIVATE_API_KEY"],
    ),
    (
        VariableSet::Terraform,
        ["MONGODB_ATLAS_PUBLIC_KEY", "MONGODB_ATLAS_PRIVATE_KEY"],
    ),
];

const TOKENS: [(VariableSet, &str); 2] = [
    (VariableSet::Atlas, "MONGODB_ATLAS_ACCESS_TOKEN"),
    (VariableSet::Mcli, "MCLI_ACCESS_TOKEN"),
];

/// Creates a file and returns its path.
fn write(folder: &tempfile::TempDir, content: &str) -> OsString {
    let file = tempfile::Builder::new().tempfile_in(folder).unwrap();
    let path = file.into_temp_path().keep().unwrap();
    fs::write(&path, content).unwrap();
    path.into()
}

fn file_variable(name: &str) -> String {
    format!("{name}_FILE")
}

/// Returns the account of variables, and the names that were looked up.
fn looked_up(
    variables: &[(&str, OsString)],
) -> (Result<Account, EnvironmentError>, RefCell<Vec<String>>) {
    let names = RefCell::default();
    let account = Account::from_variables(lookup(variables, &names));
    (account, names)
}

fn lookup<'a>(
    variables: &'a [(&str, OsString)],
    names: &'a RefCell<Vec<String>>,
) -> impl Fn(&str) -> Option<OsString> + 'a {
    |name| {
        names.borrow_mut().push(name.to_owned());
        let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
        Some(value.clone())
    }
}

fn account(variables: &[(&str, OsString)]) -> Result<Account, EnvironmentError> {
    looked_up(variables).0
}

/// Returns the error of variables, and checks that it shows no content of a file.
fn error(variables: &[(&str, OsString)]) -> EnvironmentError {
    let error = account(variables).unwrap_err();
    let shown = format!("{error} {error:?} {error:#?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    error
}

#[test]
fn a_secret_file_belongs_to_its_set() {
    let folder = tempfile::tempdir().unwrap();
    let [id, secret] = ["u5er\n", "s3cret\n"].map(|content| write(&folder, content));
    for (set, [first, second]) in PAIRS {
        let files = [first, second].map(file_variable);
        let [first_file, second_file] = [&*files[0], &*files[1]];
        for variables in [
            [(first_file, id.clone()), (second_file, secret.clone())],
            [(first, "u5er".into()), (second_file, secret.clone())],
            [(first_file, id.clone()), (second, "s3cret".into())],
        ] {
            let found = account(&variables).unwrap();
            assert_eq!(found.set, set);
            assert!(shown(&found.credentials).ends_with(" u5er s3cret"));
            assert!(!format!("{found:?} {found:#?}").contains("s3cret"));
        }
    }
    for (set, name) in TOKENS {
        let found = account(&[(&file_variable(name), secret.clone())]).unwrap();
        assert_eq!(found.set, set);
        assert_eq!(shown(&found.credentials), "bearer s3cret");
    }
    let of_atlas = "MONGODB_ATLAS_ACCESS_TOKEN_FILE";
    let variables = [("MCLI_ACCESS_TOKEN", "t".into()), (of_atlas, secret)];
    let found = account(&variables).unwrap();
    assert_eq!(shown(&found.credentials), "bearer s3cret", "the first set");
}

#[test]
fn half_a_pair_names_the_variable_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let secret = write(&folder, "s3cret\n");
    for (_, pair) in PAIRS {
        for (there, missing) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            let there = file_variable(there);
            let line = error(&[(&there, secret.clone())]).to_string();
            assert_eq!(
                line,
                format!("{there} is set but {missing} is not; set both")
            );
            let token = ("MONGODB_ATLAS_ACCESS_TOKEN", "t".into());
            assert!(account(&[(&there, secret.clone()), token]).is_ok());
        }
    }
    // Halves of two sets are not combined either.
    let halves = [
        ("MONGODB_ATLAS_CLIENT_ID_FILE", secret.clone()),
        ("MCLI_CLIENT_SECRET_FILE", secret.clone()),
    ];
    assert!(matches!(error(&halves), EnvironmentError::HalfAPair { .. }));
    let keys = [
        ("MCLI_CLIENT_ID_FILE", secret),
        ("MCLI_PUBLIC_API_KEY", "p".into()),
        ("MCLI_PRIVATE_API_KEY", "s".into()),
    ];
    let ignored = account(&keys).unwrap().ignored.unwrap().to_string();
    assert!(ignored.starts_with("MCLI_CLIENT_ID_FILE is set but"));
}

#[test]
fn a_secret_file_does_not_use_the_base_url_of_another_set() {
    let folder = tempfile::tempdir().unwrap();
    let secret = write(&folder, "s3cret");
    let token = ("MONGODB_ATLAS_ACCESS_TOKEN_FILE", secret.clone());
    let url = ("MCLI_OPS_MANAGER_URL", "https://ops.example".into());
    let half = ("MCLI_CLIENT_ID_FILE", secret.clone());
    for variables in [
        &[token.clone(), url.clone()][..],
        &[token.clone(), url.clone(), half],
    ] {
        let line = error(variables).to_string();
        assert!(line.contains("MCLI_OPS_MANAGER_URL"), "{line}");
    }
    // That URL belongs to the credentials of its own set.
    let other = ("MCLI_ACCESS_TOKEN_FILE", secret);
    assert!(account(&[token, url, other]).is_ok());
}

#[test]
fn both_the_variable_and_its_file_are_refused() {
    let names = PAIRS.into_iter().flat_map(|(_, pair)| pair);
    for name in names.chain(TOKENS.map(|(_, name)| name)) {
        let file = file_variable(name);
        let line = error(&[(name, "s3cret".into()), (&file, "/missing".into())]).to_string();
        assert_eq!(
            line,
            format!("{name} and {file} are both set; unset one of them")
        );
    }
}

#[test]
fn an_empty_file_variable_counts_as_unset() {
    for (_, name) in TOKENS {
        let file = file_variable(name);
        let nothing = account(&[(&file, "".into())]).unwrap_err();
        assert_eq!(nothing, EnvironmentError::NoCredentials);
        let found = account(&[(&file, "".into()), (name, "t".into())]).unwrap();
        assert_eq!(shown(&found.credentials), "bearer t");
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, "s3cret");
        let found = account(&[(&file, path), (name, "".into())]).unwrap();
        assert_eq!(shown(&found.credentials), "bearer s3cret");
    }
}

#[test]
fn only_credentials_have_a_file_variable() {
    let id = ("MCLI_CLIENT_ID", "i".into());
    let secret = ("MCLI_CLIENT_SECRET", "s".into());
    let (found, names) = looked_up(&[id, secret]);
    assert!(found.is_ok());
    let names = names.into_inner();
    assert!(names.contains(&"MCLI_CLIENT_SECRET_FILE".to_owned()));
    let pairs = PAIRS.into_iter().flat_map(|(_, pair)| pair);
    let known: Vec<_> = pairs.chain(TOKENS.map(|(_, name)| name)).collect();
    for name in names.iter().filter_map(|name| name.strip_suffix("_FILE")) {
        assert!(known.contains(&name), "{name}");
    }
    for set in VariableSet::ALL {
        for setting in ["OPS_MANAGER_URL", "SERVICE", "PROJECT_ID", "PUBLIC_KEY"] {
            let names = RefCell::default();
            assert_eq!(set.get(setting, lookup(&[], &names)), Ok(None));
            let names = names.into_inner();
            assert!(!names.iter().any(|name| name.ends_with("_FILE")));
        }
    }
}

#[test]
fn a_set_has_credentials_even_if_their_file_is_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(&folder, "s3cret\n");
    for path in [good.clone(), "/missing".into()] {
        let variables = [("MCLI_CLIENT_SECRET_FILE", path)];
        let names = RefCell::default();
        let has = |set: VariableSet| set.has_credentials(lookup(&variables, &names));
        assert!(has(VariableSet::Mcli));
        assert!(!has(VariableSet::Atlas) && !has(VariableSet::Terraform));
    }
    let variables = [("MCLI_CLIENT_SECRET_FILE", good)];
    let names = RefCell::default();
    let value = VariableSet::Mcli.get("CLIENT_SECRET", lookup(&variables, &names));
    assert_eq!(value, Ok(Some("s3cret".to_owned())));
}

#[test]
fn an_error_has_the_variable_the_path_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "s3cret\n\n");
    for (set, [first, second]) in PAIRS {
        let variable = file_variable(second);
        let pair = [(first, "p".into()), (&*variable, path.clone())];
        assert_eq!(
            error(&pair).to_string(),
            format!("{variable} names {path:?}, which ends with a line break; remove it"),
            "{set}"
        );
    }
    let missing = folder.path().join("a\u{1b}[2J\n\u{202e}");
    let line = error(&[("MCLI_ACCESS_TOKEN_FILE", missing.into())]).to_string();
    let shown = "a\\u{1b}[2J\\n\\u{202e}\", which cannot be read: ";
    assert!(line.contains(shown), "{line}");
    assert!(
        line.ends_with("; check the path and its permissions"),
        "{line}"
    );
}

#[test]
fn a_secret_in_place_of_its_path_is_not_shown() {
    for secret in ["mdb_sa_sk_s3cret", "no/such/s3cret", "/s3cret", "./s3cret"] {
        let error = error(&[("MONGODB_ATLAS_ACCESS_TOKEN_FILE", secret.into())]);
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("s3cret"), "{text}");
            assert!(text.contains("expected a path"), "{text}");
        }
    }
}

/// Apple's file systems accept only UTF-8.
#[cfg(all(unix, not(target_vendor = "apple")))]
#[test]
fn a_path_that_is_not_utf_8_works() {
    use std::os::unix::ffi::OsStringExt as _;

    let folder = tempfile::tempdir().unwrap();
    let name = OsString::from_vec(b"k\xff".to_vec());
    let path = folder.path().join(name);
    let variables = [("MCLI_ACCESS_TOKEN_FILE", path.clone().into_os_string())];
    let line = error(&variables).to_string();
    assert!(line.contains("k\\xFF\", which cannot be read"), "{line}");
    fs::write(&path, "s3cret").unwrap();
    let found = account(&variables).unwrap();
    assert_eq!(shown(&found.credentials), "bearer s3cret");
}
