//! Temporary.
fn main() {
    let path = "infra/openapi.yaml";
    let text = system_tests::openapi::with_schemas(&system_tests::documents::read(path));
    std::fs::write(system_tests::documents::root().join(path), text).unwrap();
}
