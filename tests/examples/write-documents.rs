//! Writes the documents that are generated from the code, and lays out the definitions.

use system_tests::documents::{all, root};

fn main() -> std::io::Result<()> {
    for (path, text) in all() {
        let path = root().join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
