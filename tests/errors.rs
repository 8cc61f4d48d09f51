//! Golden errors: each file of `tests/errors` is wrong in one way (some in several), and what its
//! author reads is kept word for word.

use std::fs;
use std::path::{Path, PathBuf};

use multiverse::scenario;

fn wrong_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of wrong files is there")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_wrong_file_is_told_what_is_wrong_with_it() {
    let files = wrong_files();
    assert!(files.len() >= 30, "only {} golden errors", files.len());
    for path in files {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a plain name");
        let text = fs::read_to_string(&path).expect("the file can be read");
        let rejection = scenario::parse(&format!("{name}.yaml"), &text)
            .expect_err(&format!("{name} is accepted"));
        insta::with_settings!({
            omit_expression => true,
            snapshot_path => "errors/snapshots",
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!(name, rejection.render(80, false));
        });
    }
}

#[test]
fn a_message_fits_its_width_and_holds_no_control_characters() {
    for path in wrong_files() {
        let text = fs::read_to_string(&path).expect("the file can be read");
        for width in [40, 60, 80, 120] {
            let rejection = scenario::parse("x.yaml", &text).expect_err("the file is wrong");
            let rendered = rejection.render(width, false);
            let is_plain = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
            assert!(rendered.chars().all(is_plain), "{}", path.display());
            let snippets = rendered.lines().filter(|line| line.contains('│'));
            for line in snippets {
                let columns = unicode_width::UnicodeWidthStr::width(line);
                assert!(columns <= width.max(48), "{} at {width}: {line}", path.display());
            }
        }
    }
}

#[test]
fn files_that_are_no_text_are_rejected_too() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("the file can be written");
        path
    };
    let code = |path: &Path| {
        let rejection = scenario::load(path).expect_err("the file is no scenario");
        assert_eq!(rejection.count(), 1);
        rejection.diagnostics()[0].code
    };
    assert_eq!(code(&write("empty.yaml", b"")), "empty file");
    assert_eq!(code(&write("blank.yaml", b"\xef\xbb\xbf \n\n")), "empty file");
    assert_eq!(code(&write("latin.yaml", b"scenario: caf\xe9\n")), "not UTF-8");
    assert_eq!(code(&write("large.yaml", &vec![b'#'; 2 << 20])), "limit: file");
    assert_eq!(code(&folder.path().join("absent.yaml")), "unreadable file");
    assert_eq!(code(folder.path()), "unreadable file");
}
