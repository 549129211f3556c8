//! Converts names of the wire into Rust names.

/// Splits a name into words: `diskSizeGB` is `disk`, `size`, `gb`.
///
/// A word ends before a capital that follows a small letter or a digit, and before the last capital
/// of a run if a small letter follows (`KMSKeyId`). All characters but letters and digits separate
/// words. `MongoDB` and `IPs` are one word each.
fn words(name: &str) -> Vec<String> {
    let name = name
        .replace("MongoDB", "Mongodb")
        .replace("mongoDB", "mongodb")
        .replace("IPs", "Ips")
        .replace("URLs", "Urls")
        .replace("IDs", "Ids")
        .replace("OAuth", "Oauth")
        .replace("AWSKMSEAR", "AwsKmsEar")
        .replace("AWSKMS", "AwsKms")
        .replace("AWSIAM", "AwsIam")
        .replace("GoogleCloudKMS", "GoogleCloudKms");
    let characters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_ascii_alphanumeric() {
            words.push(std::mem::take(&mut word));
            continue;
        }
        let before = index.checked_sub(1).map(|index| characters[index]);
        let after = characters.get(index + 1);
        let starts = character.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || after.is_some_and(char::is_ascii_lowercase)
            });
        if starts {
            words.push(std::mem::take(&mut word));
        }
        word.push(character.to_ascii_lowercase());
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Returns `disk_size_gb`. A keyword of Rust gets a trailing underscore, and `type` becomes `kind`.
pub(super) fn snake(name: &str) -> String {
    let snake = words(name).join("_");
    match snake.as_str() {
        "type" => "kind".to_owned(),
        "as" | "break" | "const" | "continue" | "crate" | "else" | "enum" | "extern" | "false"
        | "fn" | "for" | "if" | "impl" | "in" | "let" | "loop" | "match" | "mod" | "move"
        | "mut" | "pub" | "ref" | "return" | "self" | "static" | "struct" | "super" | "trait"
        | "true" | "unsafe" | "use" | "where" | "while" | "async" | "await" | "dyn"
        | "abstract" | "become" | "box" | "do" | "final" | "macro" | "override" | "priv"
        | "try" | "typeof" | "unsized" | "virtual" | "yield" | "gen" => snake + "_",
        _ if snake.starts_with(|first: char| first.is_ascii_digit()) => format!("n{snake}"),
        _ => snake,
    }
}

/// Returns `DiskSizeGb`.
pub(crate) fn pascal(name: &str) -> String {
    let mut pascal = String::new();
    for word in words(name) {
        // Adjacent numbers would merge into another number: 5.0 is V5_0.
        let joins = |c: char| c.is_ascii_digit();
        if pascal.ends_with(joins) && word.starts_with(joins) {
            pascal.push('_');
        }
        let (first, rest) = word.split_at(1);
        pascal.push_str(&first.to_ascii_uppercase());
        pascal.push_str(rest);
    }
    if pascal.is_empty() {
        return "Empty".to_owned();
    }
    if pascal.starts_with(|first: char| first.is_ascii_digit()) {
        pascal.insert(0, 'V');
    }
    if pascal == "Self" {
        pascal.push('_');
    }
    pascal
}

/// Returns the module of a tag: `X.509 Authentication` is `x509_authentication`.
pub(crate) fn module(tag: &str) -> String {
    words(&tag.replace('.', "")).join("_")
}

/// Returns the feature of a module: `x509-authentication`.
pub(super) fn feature(module: &str) -> String {
    module.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        for (name, expected) in [
            ("diskSizeGB", "disk_size_gb"),
            ("mongoDBVersion", "mongodb_version"),
            ("masterKeyUUID", "master_key_uuid"),
            ("pointInTimeUTCSeconds", "point_in_time_utc_seconds"),
            ("awsKMSKeyId", "aws_kms_key_id"),
            ("publicIPs", "public_ips"),
            ("type", "kind"),
            ("ref", "ref_"),
            ("Use-Effective-Fields", "use_effective_fields"),
            ("s3Bucket", "s3_bucket"),
        ] {
            assert_eq!(snake(name), expected);
        }
    }

    #[test]
    fn values_become_variants() {
        for (value, expected) in [
            ("REPLICA_SET", "ReplicaSet"),
            ("onDemand", "OnDemand"),
            ("M10", "M10"),
            ("5.0", "V5_0"),
            ("", "Empty"),
            ("self", "Self_"),
            ("mongodb+srv", "MongodbSrv"),
        ] {
            assert_eq!(pascal(value), expected);
        }
    }

    #[test]
    fn a_tag_is_a_module_and_a_feature() {
        assert_eq!(module("X.509 Authentication"), "x509_authentication");
        assert_eq!(feature("push_based_log_export"), "push-based-log-export");
    }
}
