//! What is wrong is told before anything is looked at, with its place, and without secrets.

use std::collections::BTreeMap;
use std::fs;

use ferroform::show::{Look, diagnostic};
use ferroform::watch::metrics;
use ferroform::watch::notify::load;
use ferroform::words::Source;

/// What is said of that configuration.
fn told(toml: &str, env: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.j2"), "hello {{ name }}\n{{ sumary }}\n").unwrap();
    let env: BTreeMap<&str, &str> = env.iter().copied().collect();
    let source = Source::new("ferroform.toml", toml);
    match load(&source, folder.path(), &|name| env.get(name).map(|text| (*text).to_owned())) {
        Ok(targets) => panic!("{targets:?}"),
        Err(errors) => diagnostic::all(&errors.0, Look::PLAIN).replace(&folder.path().display().to_string(), "."),
    }
}

#[test]
fn a_wrong_configuration_is_told_with_its_place() {
    for (toml, words) in [
        ("[[notify]\n", &["no valid TOML", "ferroform.toml:1:"][..]),
        ("[notify]\nkind = \"slack\"\n", &["no list of tables", "[[notify]]"]),
        ("[[notfy]]\nkind = \"slack\"\n", &["no key `notfy`", "did you mean `notify`?"]),
        ("[[notify]]\nname = \"x\"\n", &["lacks `kind`", "slack, webhook, sns, email, github"]),
        ("[[notify]]\nkind = \"slak\"\n", &["ferroform.toml:2:8", "did you mean \"slack\"?"]),
        ("[[notify]]\nkind = \"slack\"\n", &["\"slack\" lacks `url`", "{ env = \"SLACK_WEBHOOK_URL\" }"]),
        (
            "[[notify]]\nkind = \"slack\"\nurl = { env = \"U\" }\nseverty = \"high\"\n",
            &["ferroform.toml:4:1", "did you mean `severity`?", "its keys: kind, name"],
        ),
        ("[[notify]]\nkind = \"slack\"\nurl = { env = \"U\" }\nseverity = \"hihg\"\n", &["ferroform.toml:4:12", "did you mean \"high\"?"]),
        ("[[notify]]\nkind = \"slack\"\nurl = { env = \"MISSING\" }\n", &["has no `MISSING`", "ferroform.toml:3:15", "EnvironmentFile"]),
        ("[[notify]]\nkind = \"slack\"\nurl = { envv = \"U\" }\n", &["no key `envv`", "did you mean `env`?"]),
        ("[[notify]]\nkind = \"slack\"\nurl = { env = \"BAD\" }\n", &["no address that can be called"]),
        ("[[notify]]\nkind = \"webhook\"\nurl = \"ftp://x\"\n", &["no address that can be called"]),
        ("[[notify]]\nkind = \"webhook\"\nurl = { env = \"U\" }\nsecret = \"hunter22\"\n", &["no place for one", "ferroform.toml:4"]),
        (
            "[[notify]]\nkind = \"webhook\"\nurl = { env = \"U\" }\ntemplate = \"bad.j2\"\n",
            &["template is wrong", "./bad.j2:2:1", "no such value"],
        ),
        (
            "[[notify]]\nkind = \"webhook\"\nurl = { env = \"U\" }\ntemplate = \"none.j2\"\n",
            &["can't read the template `./none.j2`", "ferroform.toml:4:12"],
        ),
        ("[[notify]]\nkind = \"sns\"\ntopic = \"drift\"\n", &["no ARN of a topic", "arn:aws:sns:us-east-1"]),
        (
            "[[notify]]\nkind = \"sns\"\ntopic = \"arn:aws:sns:us-east-1:1:d\"\nsubject = \"{{ nme }}\"\n",
            &["template is wrong", "ferroform.toml:4:11"],
        ),
        ("[[notify]]\nkind = \"email\"\nserver = \"h:x\"\nfrom = \"a@b.c\"\nto = \"d@e.f\"\n", &["no number for its port"]),
        ("[[notify]]\nkind = \"email\"\nserver = \"h\"\nfrom = \"nobody\"\nto = \"d@e.f\"\n", &["`nobody` is no mail address"]),
        ("[[notify]]\nkind = \"email\"\nserver = \"h\"\nfrom = \"a@b.c\"\nto = \"d@e.f\"\nuser = \"u\"\n", &["lacks `password`"]),
        (
            "[[notify]]\nkind = \"email\"\nserver = \"h\"\ntls = \"none\"\nfrom = \"a@b.c\"\nto = \"d@e.f\"\nuser = \"u\"\npassword = { env = \"U\" }\n",
            &["unencrypted", "ferroform.toml:4:7"],
        ),
        ("[[notify]]\nkind = \"github\"\nrepository = \"infra\"\ntoken = { env = \"U\" }\n", &["`infra` is no repository", "owner/name"]),
        (
            "[[notify]]\nkind = \"webhook\"\nurl = { env = \"U\" }\n[[notify]]\nkind = \"webhook\"\nurl = { env = \"U\" }\n",
            &["two targets are called \"webhook\"", "ferroform.toml:4:1"],
        ),
        ("[[notify]]\nkind = \"slack\"\nurl = { env = \"U\" }\nname = 3\n", &["`name`", "a text belongs here"]),
    ] {
        let told = told(toml, &[("U", "https://hooks.test/very-secret"), ("BAD", "very-secret")]);
        let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(flat.contains(word), "{toml}\nlacks {word:?}:\n{told}");
        }
        assert!(!told.contains("very-secret") && !told.contains("hunter22"), "{told}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let told = metrics::listen(&address).await.err().unwrap().to_string();
    assert!(told.contains(&address) && told.contains("another program does"), "{told}");
    let told = metrics::listen("nowhere").await.err().unwrap().to_string();
    assert!(told.contains("127.0.0.1:9182"), "{told}");
}
