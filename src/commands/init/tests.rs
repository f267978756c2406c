//! Set-ups from flags and by a person who answers from a script.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::check::{Outcome, Step, Suspect};
use crate::cli::{Cli, Command};
use crate::commands::scripted::Scripted;
use crate::config::{Loaded, SecretSource};
use crate::keystore::memory::MemoryKeystore;

/// Where a set-up happens.
struct Scene {
    folder: TempDir,
    surroundings: Surroundings,
    keystore: Arc<MemoryKeystore>,
}

impl Scene {
    fn new() -> Self {
        Self::with(MemoryKeystore::default())
    }

    fn with(keystore: MemoryKeystore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keystore = Arc::new(keystore);
        let surroundings = Surroundings {
            log_folder: None,
            variables: BTreeMap::new(),
            directory: folder.path().to_path_buf(),
            config_folder: Some(folder.path().join("settings")),
            data_folder: folder.path().join("data"),
            keystore: Arc::<MemoryKeystore>::clone(&keystore),
        };
        Self {
            folder,
            surroundings,
            keystore,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn given(&self, flags: &str, attended: bool) -> Result<Given, Failure> {
        let words = ["citrix-odata-proxy", "init"].into_iter();
        let cli = Cli::try_parse_from(words.chain(flags.split_whitespace())).unwrap();
        let Command::Init(command) = cli.command else {
            panic!("another command")
        };
        Given::from_flags(command, &self.surroundings, attended)
    }

    /// What a person answers who is asked for whatever the flags leave open.
    fn guided(
        &self,
        flags: &str,
        person: &mut Scripted,
        trial: &mut Outcomes,
    ) -> Result<Answers, Failure> {
        let given = self.given(flags, true)?;
        ask::guide(person, given, false, self.keystore.as_ref(), trial)
    }

    fn load(&self, file: &Path) -> Loaded {
        let flags = Flags {
            file: Some(file.to_path_buf()),
            ..Flags::default()
        };
        config::load(&self.surroundings, &flags).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Trials that end as they were told to, one after the other; the rest goes well.
#[derive(Debug, Default)]
struct Outcomes {
    failures: Vec<Option<Suspect>>,
    /// The customer, client and secret that were tried out.
    tried: Vec<[String; 3]>,
}

impl Outcomes {
    fn failing(failures: &[Option<Suspect>]) -> Self {
        Self {
            failures: failures.to_vec(),
            tried: Vec::new(),
        }
    }
}

impl Trial for Outcomes {
    fn run(&mut self, answers: &Answers) -> Result<Option<Report>, Failure> {
        let failure = self.failures.get(self.tried.len());
        self.tried.push([
            answers.customer_id.clone(),
            answers.client_id.clone(),
            answers.secret.expose_secret().to_owned(),
        ]);
        let step = Step {
            name: "token",
            outcome: match failure {
                Some(_) => Outcome::Failed,
                None => Outcome::Ok,
            },
            detail: String::new(),
            remedy: None,
            suspect: failure.copied().flatten(),
            elapsed: Duration::ZERO,
        };
        Ok(Some(Report {
            site: answers.site.to_string(),
            steps: vec![step],
        }))
    }
}

#[test]
fn what_is_written_loads_as_it_was_answered() {
    for (flags, secret_is_in) in [
        ("--region us --secret-store keyring", SecretSource::Keystore),
        (
            "--region AP-S --secret-store file",
            SecretSource::File(PathBuf::new()),
        ),
        (
            "--region jp --secret-store environment --listen 127.0.0.1:9000,[::1]:9000",
            SecretSource::Variable,
        ),
        (
            "--region eu --site lab-2 --endpoint https://api-eu.cloud.com --client-secret-file given.txt",
            SecretSource::File(PathBuf::new()),
        ),
    ] {
        let mut scene = Scene::new();
        let name = "CITRIX_CLIENT_SECRET".to_owned();
        scene.surroundings.variables.insert(name, "hunter2".into());
        fs::write(scene.path("given.txt"), "hunter2\r\n").unwrap();
        let flags = format!("--customer-id acme1234 --client-id client-1 {flags}");
        let given = scene.given(&flags, false).unwrap();
        let wanted = given.clone();
        let kept = given.place.clone().unwrap();
        let plan = Plan::new(given.into_answers("hunter2".into(), kept));
        carry_out(&plan, scene.keystore.as_ref()).unwrap();
        let text = fs::read_to_string(&plan.answers.file).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.lines().count() < 16, "{text}");
        let loaded = scene.load(&plan.answers.file);
        let (id, site) = loaded.config.sites.first_key_value().unwrap();
        assert_eq!(*id, wanted.site);
        assert_eq!(site.customer_id, "acme1234");
        assert_eq!(site.client_id, "client-1");
        assert_eq!(site.client_secret.expose_secret(), "hunter2");
        let kind = std::mem::discriminant::<SecretSource>;
        assert_eq!(
            kind(&site.client_secret_source),
            kind(&secret_is_in),
            "{flags}"
        );
        let region = wanted.region.unwrap().to_lowercase();
        let shown = format!("region = \"{region}\"");
        assert_eq!(text.contains("region"), region != "us", "{text}");
        assert!(region == "us" || text.contains(&shown), "{text}");
        if let Some(endpoint) = wanted.endpoint {
            assert_eq!(site.endpoint.as_str(), format!("{endpoint}/"));
        }
        let port = if wanted.listen.is_some() { 9000 } else { 8484 };
        assert!(loaded.config.server.listen.iter().all(|a| a.port() == port));
        let told = plan.told(true, Vec::new()).join("\n");
        assert!(
            told.contains(&format!("http://localhost:{port}/connect")),
            "{told}"
        );
        assert!(told.contains("citrix-odata-proxy serve\n"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
        let told = plan.told(false, vec!["Its rights.".to_owned()]).join("\n");
        assert!(told.contains("serve --config "), "{told}");
        assert!(told.contains("\nIts rights.\n\nStart it:"), "{told}");
    }
}

#[test]
fn the_settings_are_short_and_commented() {
    let scene = Scene::new();
    let flags = "--customer-id acme1234 --client-id client-1 --region eu --secret-store file";
    let given = scene.given(flags, false).unwrap();
    let plan = Plan::new(given.into_answers("hunter2".into(), Place::File));
    insta::assert_snapshot!(plan.text(), @r#"
    # Settings of citrix-odata-proxy. What is not here has its default: docs/configuration.md lists all settings.
    # `citrix-odata-proxy config` shows what is in force, `citrix-odata-proxy check` tries it out.

    [sites.main]
    region = "eu"
    customer_id = "acme1234"
    client_id = "client-1"
    client_secret_file = "main.client_secret"
    "#);
}

#[test]
fn flags_that_are_wrong_or_missing_are_told_all_at_once() {
    let scene = Scene::new();
    let failure = scene.given("", false).unwrap_err().to_string();
    for flag in ["--customer-id", "--client-id", "--region"] {
        assert!(failure.contains(&format!("{flag} is missing")), "{failure}");
    }
    scene.given("", true).unwrap();
    let flags = "--site Main --region mars --customer-id a/b --listen 8484";
    let failure = scene.given(flags, false).unwrap_err().to_string();
    for words in [
        "has 5 problems:",
        "--site: this is not a name",
        "--region: `mars` is not known here; known: us, eu",
        "--customer-id: an id has letters",
        "--listen: `8484` is not an address",
        "--client-id is missing",
    ] {
        assert!(failure.contains(words), "{failure}");
    }
    let flags = "--customer-id a --client-id b --region us --client-secret-file absent";
    let failure = scene.given(flags, false).unwrap_err().to_string();
    assert!(failure.contains("absent` cannot be read"), "{failure}");
}

#[test]
fn a_secret_that_stays_in_the_environment_is_taken_from_there() {
    let mut scene = Scene::new();
    let flags = "--customer-id a --client-id b --region us --secret-store environment";
    assert!(scene.given(flags, false).unwrap().secret.is_none());
    let name = "CITRIX_CLIENT_SECRET".to_owned();
    let variables = &mut scene.surroundings.variables;
    variables.insert(name.clone(), "hunter2".into());
    let given = scene.given(flags, false).unwrap();
    assert_eq!(given.secret.unwrap().expose_secret(), "hunter2");
    let elsewhere = flags.replace("environment", "file");
    assert!(scene.given(&elsewhere, false).unwrap().secret.is_none());
    let variables = &mut scene.surroundings.variables;
    variables.insert(name, "hunter2\nhunter2".into());
    let failure = scene.given(flags, false).unwrap_err().to_string();
    assert!(failure.contains("more than one line"), "{failure}");
    assert!(!failure.contains("hunter2"), "{failure}");
}

#[test]
fn a_store_that_fails_at_the_end_costs_no_answers() {
    let scene = Scene::with(MemoryKeystore::absent());
    let flags = "--customer-id a --client-id b --region us --secret-store keyring";
    let given = scene.given(flags, true).unwrap();
    let mut plan = Plan::new(given.into_answers("hunter2".into(), Place::Keystore));
    // What is there already is not replaced unasked here, either.
    fs::create_dir_all(scene.path("settings")).unwrap();
    fs::write(scene.path("settings/main.client_secret"), "kept").unwrap();
    let mut person = Scripted::new(&["file", "no"]);
    let keystore = scene.keystore.as_ref();
    let failure = carry_out_with(&mut person, &mut plan, keystore).unwrap_err();
    assert!(matches!(failure, Failure::Stopped));
    plan.answers.place = Place::Keystore;
    let mut person = Scripted::new(&["file", "yes"]);
    carry_out_with(&mut person, &mut plan, scene.keystore.as_ref()).unwrap();
    assert!(
        person.transcript.contains("no bus"),
        "{}",
        person.transcript
    );
    let main = scene.load(&plan.answers.file).config.sites;
    let secret = &main.first_key_value().unwrap().1.client_secret;
    assert_eq!(secret.expose_secret(), "hunter2");
}

#[test]
fn a_person_is_asked_for_what_is_missing_and_told_what_is_wrong() {
    let scene = Scene::new();
    let mut person = Scripted::new(&[
        "acme 1234",
        "acme1234",
        "mars",
        "EU",
        "client-1",
        "hunter2",
        "",
        "0",
        "",
        "here",
        "",
    ]);
    let mut trial = Outcomes::default();
    let answers = scene.guided("", &mut person, &mut trial).unwrap();
    assert!(person.is_done());
    assert_eq!(answers.customer_id, "acme1234");
    assert_eq!(answers.region, "eu");
    assert_eq!(answers.place, Place::Keystore);
    assert_eq!(answers.listen, None);
    assert_eq!(answers.file, scene.path("settings/citrix-odata-proxy.toml"));
    assert_eq!(trial.tried.len(), 1);
    let told = &person.transcript;
    for words in [
        "Identity and Access Management > API Access",
        "an id has letters",
        "`mars` is not known here",
        "from 1 to 65535",
        "write the whole path",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn nobody_is_asked_for_what_is_given() {
    let scene = Scene::new();
    let flags = "--customer-id a --client-id b --region us --secret-store file \
                 --listen 127.0.0.1:1 --config x.toml";
    let mut person = Scripted::new(&["hunter2"]);
    let answers = scene.guided(flags, &mut person, &mut Outcomes::default());
    let answers = answers.unwrap();
    assert_eq!(answers.file, scene.path("x.toml"));
    assert_eq!(answers.place, Place::File);
}

#[test]
fn a_store_that_cannot_be_used_is_not_offered() {
    let scene = Scene::with(MemoryKeystore::absent());
    let flags = "--customer-id a --client-id b --region us --listen 127.0.0.1:1 --config x.toml";
    let mut person = Scripted::new(&["hunter2", "keyring", "env"]);
    let answers = scene.guided(flags, &mut person, &mut Outcomes::default());
    assert_eq!(answers.unwrap().place, Place::Environment);
    let told = &person.transcript;
    assert!(told.contains("cannot be reached: no bus"), "{told}");
    assert!(
        told.contains("answer with one of: file, environment"),
        "{told}"
    );
    // Nobody was asked: the file it is.
    let given = scene.given(&format!("{flags} --client-secret-file x.txt"), false);
    given.unwrap_err();
    fs::write(scene.path("x.txt"), "hunter2").unwrap();
    let mut given = scene
        .given(&format!("{flags} --client-secret-file x.txt"), false)
        .unwrap();
    given.place = None;
    let mut trial = Outcomes::default();
    let plan = from_flags(given, false, scene.keystore.as_ref(), &mut trial).unwrap();
    assert_eq!(plan.answers.place, Place::File);
}

#[test]
fn what_was_wrong_is_asked_again() {
    const FLAGS: &str = "--customer-id a --client-id b --region us --secret-store file \
                         --listen 127.0.0.1:1 --config x.toml";
    let (client, customer) = (Some(Suspect::Client), Some(Suspect::Customer));
    for (failures, more, tried) in [
        // Enter goes where the failure points.
        (
            &[client][..],
            &["", "right"][..],
            &["a b wrong", "a b right"][..],
        ),
        (
            &[customer],
            &["", "acme", "jp"],
            &["a b wrong", "acme b wrong"],
        ),
        (&[None], &[""], &["a b wrong", "a b wrong"]),
        (
            &[client],
            &["client", "c", "right"],
            &["a b wrong", "a c right"],
        ),
        (
            &[customer, client],
            &["cu", "acme", "", "sec", "right"],
            &["a b wrong", "acme b wrong", "acme b right"],
        ),
        // As it is, although it does not work.
        (&[client], &["write"], &["a b wrong"]),
    ] {
        let scene = Scene::new();
        let script = [&["wrong"][..], more].concat();
        let mut person = Scripted::new(&script);
        let mut trial = Outcomes::failing(failures);
        scene.guided(FLAGS, &mut person, &mut trial).unwrap();
        let words: Vec<String> = trial.tried.iter().map(|words| words.join(" ")).collect();
        assert_eq!(words, tried, "{}", person.transcript);
        assert!(person.is_done(), "{}", person.transcript);
    }
    let scene = Scene::new();
    let mut person = Scripted::new(&["wrong", "stop"]);
    let mut trial = Outcomes::failing(&[client]);
    let failure = scene.guided(FLAGS, &mut person, &mut trial).unwrap_err();
    assert!(matches!(failure, Failure::Stopped));
    assert!(!scene.path("x.toml").exists());
}

#[test]
fn another_secret_does_not_go_into_the_file_that_was_named() {
    let scene = Scene::new();
    fs::write(scene.path("named.txt"), "wrong").unwrap();
    let flags = "--customer-id a --client-id b --region us --client-secret-file named.txt \
                 --listen 127.0.0.1:1 --config x.toml";
    let mut person = Scripted::new(&["", "right"]);
    let mut trial = Outcomes::failing(&[Some(Suspect::Client)]);
    let answers = scene.guided(flags, &mut person, &mut trial).unwrap();
    assert_eq!(answers.place, Place::File);
    carry_out(&Plan::new(answers), scene.keystore.as_ref()).unwrap();
    assert_eq!(
        fs::read_to_string(scene.path("named.txt")).unwrap(),
        "wrong"
    );
    let written = fs::read_to_string(scene.path("main.client_secret")).unwrap();
    assert_eq!(written, "right\n");
}

#[test]
fn files_that_are_there_are_replaced_only_on_demand() {
    let scene = Scene::new();
    let flags = "--customer-id a --client-id b --region us --secret-store file \
                 --listen 127.0.0.1:1 --config x.toml";
    for name in ["x.toml", "y.toml", "main.client_secret"] {
        fs::write(scene.path(name), "kept").unwrap();
    }
    let other = scene.path("other/y.toml");
    let mut person = Scripted::new(&["hunter2", "", other.to_str().unwrap()]);
    let answers = scene.guided(flags, &mut person, &mut Outcomes::default());
    assert_eq!(answers.unwrap().file, other);
    let told = &person.transcript;
    assert!(told.contains("x.toml is there already"), "{told}");
    assert!(
        told.contains("main.client_secret is there already"),
        "{told}"
    );
    let mut person = Scripted::new(&["hunter2", "yes"]);
    let answers = scene.guided(flags, &mut person, &mut Outcomes::default());
    assert_eq!(answers.unwrap().file, scene.path("x.toml"));

    let mut given = scene.given(flags, false).unwrap();
    given.secret = Some("hunter2".into());
    let mut trial = Outcomes::default();
    let keystore = scene.keystore.as_ref();
    let failure = from_flags(given.clone(), false, keystore, &mut trial).unwrap_err();
    assert!(failure.to_string().contains("without --force"), "{failure}");
    assert_eq!(trial.tried.len(), 0);
    from_flags(given, true, keystore, &mut trial).unwrap();
    assert_eq!(fs::read_to_string(scene.path("x.toml")).unwrap(), "kept");
}

#[test]
fn settings_that_do_not_work_are_not_written() {
    let scene = Scene::new();
    let flags = "--customer-id a --client-id b --region us --secret-store keyring";
    let mut given = scene.given(flags, false).unwrap();
    given.secret = Some("hunter2".into());
    let mut trial = Outcomes::failing(&[Some(Suspect::Client)]);
    let keystore = scene.keystore.as_ref();
    let failure = from_flags(given, false, keystore, &mut trial).unwrap_err();
    assert!(failure.to_string().contains("--no-check"), "{failure}");
    assert!(keystore.read("b").unwrap().is_none());
}

#[test]
fn without_its_secret_no_settings_are_written() {
    let scene = Scene::with(MemoryKeystore::absent());
    let flags = "--customer-id a --client-id b --region us --secret-store keyring";
    let given = scene.given(flags, false).unwrap();
    let plan = Plan::new(given.into_answers("hunter2".into(), Place::Keystore));
    let failure = carry_out(&plan, scene.keystore.as_ref()).unwrap_err();
    assert!(failure.to_string().contains("no bus"), "{failure}");
    assert!(!plan.answers.file.exists());
}
