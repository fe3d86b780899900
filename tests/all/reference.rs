//! The pages of the reference and the registry say the same.

use std::collections::BTreeMap;
use std::path::Path;

use ferroform::registry::REGISTRY;
use ferroform::show::explain;

#[test]
fn the_reference_is_what_the_registry_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let written: BTreeMap<String, String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    let wanted: BTreeMap<String, String> = explain::pages(&REGISTRY).into_iter().collect();
    let again = "write it again with: ferroform schema --reference docs/reference";
    assert_eq!(written.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{again}");
    for (name, text) in &wanted {
        assert_eq!(&written[name], text, "{name}: {again}");
    }
}
