//! The facts of each typed operation, compared with the catalog's.

use atlas_catalog::{Operation, Version};
use atlas_model::Format;

use crate::facts::{operations, read, version};

#[test]
fn the_facts_of_every_operation_agree_with_the_catalog() {
    let names = read("names.json");
    for (operation, case) in operations() {
        let meta = case.meta;
        let known = Operation::find(meta.id).unwrap();
        assert_eq!(known.id(), meta.id);
        assert_eq!(known.short_id(), meta.short_id, "{}", meta.id);
        assert_eq!(known.tag().name(), meta.tag, "{}", meta.id);
        assert_eq!(known.tag().camel_case(), meta.tag_command(), "{}", meta.id);
        assert_eq!(known.method(), meta.method, "{}", meta.id);
        assert_eq!(known.path(), meta.path, "{}", meta.id);
        assert_eq!(known.roles(), meta.roles, "{}", meta.id);
        assert_eq!(
            known.successor().map(Operation::id),
            meta.successor,
            "{}",
            meta.id
        );
        assert_eq!(
            known.parameter("pretty").is_some(),
            meta.pretty,
            "{}",
            meta.id
        );
        assert_eq!(
            known.parameter("envelope").is_some(),
            meta.envelope,
            "{}",
            meta.id
        );

        // A preview is used only if there is no other version.
        let stable = known.versions().iter().any(|version| !version.is_preview());
        let versions = known
            .versions()
            .iter()
            .filter(|version| !(stable && version.is_preview()));
        let versions: Vec<&Version> = versions.collect();
        assert_eq!(versions.len(), meta.versions.len(), "{}", meta.id);
        for (known, typed) in versions.iter().zip(meta.versions) {
            assert_eq!(known.name, typed.version.to_string(), "{}", meta.id);
            let sunset = typed.sunset.map(|date| date.to_string());
            assert_eq!(known.sunset, sunset, "{}", meta.id);
        }
        let newest = meta.newest().version.to_string();
        assert_eq!(version(operation)["version"], newest);
        let format = match meta.format {
            Format::Json => "json",
            Format::Gzip => "gzip",
            Format::Csv => "csv",
            _ => panic!("{}: a format that is not in the facts", meta.id),
        };
        let version = known.version(Some(&newest)).unwrap();
        assert!(
            version.formats().any(|known| known == format),
            "{}: {format}",
            meta.id
        );
        assert!(
            format == "json" || version.formats().all(|known| known != "json"),
            "{}: {format}",
            meta.id
        );

        let lock = &names["operations"][format!("{} {}", meta.method, meta.path)];
        assert_eq!(lock["rust"], case.rust);
        assert_eq!(
            lock["cli"],
            format!("{} {}", meta.tag_command(), meta.short_id)
        );
    }
}
