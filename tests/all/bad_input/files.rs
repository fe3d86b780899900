//! Files that are missing, too large, or no text; and folders that hold no stack.

use std::fs::File;

use super::Folder;

const READS: &str = "[resource.terraform_data.web]\ninput = '${templatefile(\"page.tftpl\", { name = 1 })}'\n";
const TOO_LARGE: &str = "it has 100 MB, and more than 32 are not read";

/// Bytes that are text in no encoding, the same in every run.
fn junk() -> Vec<u8> {
    (0..4096_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

#[test]
fn templates() {
    let folder = Folder::with(READS);
    let place = "stack.toml:2:25";
    folder.bad(&["plan"], &["can't read the file `page.tftpl`: it does not exist", place, "start from the stack's directory"]);
    folder.write("page.tftpl", "a\n${nmae}\n");
    folder.bad(&["plan"], &["the template uses `nmae`", "page.tftpl:2:3", "did you mean `name`?"]);
    folder.write("page.tftpl", "a\n${name\n");
    folder.bad(&["plan"], &["page.tftpl:2:", "help"]);
    folder.write("page.tftpl", junk());
    folder.bad(&["plan"], &["the file `page.tftpl` is no text", "not UTF-8", place]);
    File::create(folder.path().join("page.tftpl")).unwrap().set_len(100 << 20).unwrap();
    folder.bad(&["plan"], &["can't read the file `page.tftpl`", TOO_LARGE, place]);
    std::fs::remove_file(folder.path().join("page.tftpl")).unwrap();
    std::fs::create_dir(folder.path().join("page.tftpl")).unwrap();
    folder.bad(&["plan"], &["can't read the file `page.tftpl`: it is a directory", place]);
}

#[test]
fn stacks_that_are_no_text() {
    let folder = Folder::with("");
    folder.write("stack.toml", junk());
    folder.bad(&["plan"], &["`stack.toml` is no text file", "save it as UTF-8"]);
    folder.write("stack.toml", b"[resource.a.b]\nx = \"\xff\xfe\"\n");
    folder.bad(&["plan"], &["`stack.toml` is not UTF-8: line 2 holds other bytes"]);
    File::create(folder.path().join("stack.toml")).unwrap().set_len(100 << 20).unwrap();
    folder.bad(&["plan"], &["can't read the file `stack.toml`", TOO_LARGE]);
    folder.write("stack.toml", "a = ".to_owned() + &"[".repeat(100_000));
    folder.bad(&["plan"], &["the file is no valid TOML", "stack.toml:1:"]);
}

#[test]
fn where_no_stack_is() {
    let folder = Folder::with("");
    folder.write("notes.txt", "hello");
    folder.write("stacks/gateway/stack.toml", "");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let what = "a stack is a directory with `.toml` or `.tf` files, or a single `.toml` file";
    folder.bad(&["plan", "empty"], &["there is no stack at `empty`", what]);
    folder.bad(&["plan", "notes.txt"], &["`notes.txt` is no stack", what]);
    folder.bad(&["apply", "notes.txt", "--auto-approve"], &["`notes.txt` is no stack", what]);
    folder.bad(&["plan", "gatewya"], &["there is no stack `gatewya`", "did you mean `gateway`?"]);
    folder.bad(&["--chdir", "empty", "plan"], &["there is no stack at `.`", what]);
    folder.bad(&["--chdir", "nowhere", "plan"], &["can't go to the folder `nowhere`"]);
}
